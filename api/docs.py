"""`/docs`: Swagger UI, from files on this machine where a package brings them, else from its usual host."""

from importlib.util import find_spec
from pathlib import Path

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

_ASSETS_PACKAGE = "fastapi_offline"
_ASSETS_PATH = "/docs/assets"


def install(app: FastAPI) -> None:
    """Serve the page."""
    assets = _assets()
    if assets is not None:
        app.mount(_ASSETS_PATH, StaticFiles(directory=assets), name="docs-assets")

    @app.get("/docs", include_in_schema=False)
    async def documentation() -> HTMLResponse:
        title = f"{app.title}: documentation"
        if assets is None:
            return get_swagger_ui_html(openapi_url="/openapi.json", title=title)
        return get_swagger_ui_html(
            openapi_url="/openapi.json",
            title=title,
            swagger_js_url=f"{_ASSETS_PATH}/swagger-ui-bundle.js",
            swagger_css_url=f"{_ASSETS_PATH}/swagger-ui.css",
            swagger_favicon_url=f"{_ASSETS_PATH}/favicon.png",
            swagger_ui_parameters={"persistAuthorization": True, "displayRequestDuration": True},
        )


def _assets() -> Path | None:
    # Found without importing: only the files of the package are wanted.
    spec = find_spec(_ASSETS_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        return None
    directory = Path(spec.submodule_search_locations[0]) / "static"
    return directory if (directory / "swagger-ui-bundle.js").is_file() else None
