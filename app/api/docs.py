"""The documentation page: Swagger UI from an installed package, without any third-party request."""

from importlib.resources import files
from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Response

ROUTES = APIRouter(include_in_schema=False)

ASSETS = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "favicon-32x32.png": "image/png",
}
"""Served from the package; nothing of it is in this repository."""

# The page's own styles are set by script, which Swagger UI cannot do without.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline';"
    " img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'"
)
CACHE = {"cache-control": "public, max-age=86400"}

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Personal Data Ledger</title>
<link rel="icon" href="/docs/favicon-32x32.png">
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<noscript><p>The description itself is at <a href="/openapi.json">/openapi.json</a>.</p></noscript>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""

START = """SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  displayOperationId: true,
  showExtensions: true,
  validatorUrl: null
});
"""


@ROUTES.get("/docs")
async def show_docs() -> Response:
    """The page itself."""
    return Response(PAGE, media_type="text/html", headers={"content-security-policy": POLICY})


@ROUTES.get("/docs/start.js")
async def start_docs() -> Response:
    """What starts the page; a file of its own, so that no inline script is needed."""
    return Response(START, media_type="text/javascript", headers=CACHE)


@ROUTES.get("/docs/{asset}")
async def get_docs_asset(asset: Annotated[str, Path(max_length=40)]) -> Response:
    """One asset of the installed package."""
    media_type = ASSETS.get(asset)
    if media_type is None:
        raise HTTPException(404)
    content = files("fastapi_swagger.resources").joinpath(asset).read_bytes()
    return Response(content, media_type=media_type, headers=CACHE)
