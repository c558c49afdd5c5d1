"""`/docs`: Swagger UI from files of this machine; it works without the internet and runs nothing else."""

from html import escape
from importlib.util import find_spec
from pathlib import Path

from fastapi import FastAPI
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles

_ASSETS_PACKAGE = "fastapi_offline"
_ASSETS_PATH = "/docs/assets"
_START_PATH = "/docs/start.js"

# Swagger UI writes style attributes; it is scripts that nobody must write into the page.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)

_START = """SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger-ui",
  layout: "BaseLayout",
  deepLinking: true,
  persistAuthorization: true,
  displayRequestDuration: true,
  presets: [SwaggerUIBundle.presets.apis, SwaggerUIBundle.SwaggerUIStandalonePreset],
});
"""


def install(app: FastAPI) -> None:
    """Serve the page."""
    page = f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(app.title)}: documentation</title>
<link rel="stylesheet" href="{_ASSETS_PATH}/swagger-ui.css">
<link rel="service-desc" type="application/json" href="/openapi.json">
<link rel="icon" href="{_ASSETS_PATH}/favicon.png">
</head>
<body>
<div id="swagger-ui"></div>
<script src="{_ASSETS_PATH}/swagger-ui-bundle.js"></script>
<script src="{_START_PATH}"></script>
</body>
</html>
"""
    app.mount(_ASSETS_PATH, StaticFiles(directory=_assets()), name="docs-assets")

    @app.get("/docs", include_in_schema=False)
    async def documentation() -> HTMLResponse:
        return HTMLResponse(page, headers={"Content-Security-Policy": _POLICY})

    @app.get(_START_PATH, include_in_schema=False)
    async def start() -> Response:
        return Response(_START, media_type="text/javascript")


def _assets() -> Path:
    # Found without importing: only the files of the package are wanted.
    spec = find_spec(_ASSETS_PACKAGE)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(_ASSETS_PACKAGE)
    return Path(spec.origin).parent / "static"
