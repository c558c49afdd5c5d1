"""`/docs`: Swagger UI from files on this machine, so that it works without the internet."""

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
    app.mount(_ASSETS_PATH, StaticFiles(directory=_assets()), name="docs-assets")

    @app.get("/docs", include_in_schema=False)
    async def documentation() -> HTMLResponse:
        return get_swagger_ui_html(
            openapi_url="/openapi.json",
            title=f"{app.title}: documentation",
            swagger_js_url=f"{_ASSETS_PATH}/swagger-ui-bundle.js",
            swagger_css_url=f"{_ASSETS_PATH}/swagger-ui.css",
            swagger_favicon_url=f"{_ASSETS_PATH}/favicon.png",
            swagger_ui_parameters={"persistAuthorization": True, "displayRequestDuration": True},
        )


def _assets() -> Path:
    # Found without importing: only the files of the package are wanted.
    spec = find_spec(_ASSETS_PACKAGE)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(_ASSETS_PACKAGE)
    return Path(spec.origin).parent / "static"
