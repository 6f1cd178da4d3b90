"""Which names a request may have, told to whoever used another: theirs is never repeated."""

from collections.abc import Iterator, Sequence
from typing import Any, get_args

from fastapi import Request
from fastapi.routing import APIRoute
from pydantic import BaseModel

from app.api.strict_json import queried

Shape = type[BaseModel]


def body_shape(request: Request) -> Shape | None:
    """The shape of the body that the route reads; None where it reads none, or one of several."""
    route = request.scope.get("route")
    field = route.body_field if isinstance(route, APIRoute) else None
    shapes = [] if field is None else list(_shapes(field.field_info.annotation))
    return shapes[0] if len(shapes) == 1 else None


def query_names(request: Request) -> list[str]:
    """The names that the query of the route may have."""
    route = request.scope.get("route")
    if not isinstance(route, APIRoute):
        return []
    names = set[str]()
    for field in queried(route.dependant):
        shapes = list(_shapes(field.field_info.annotation))
        names.update(members_at(shapes[0], ()) if shapes else (field.alias,))
    return sorted(names)


def members_at(shape: Shape | None, path: Sequence[object]) -> list[str]:
    """The members that an object at a place of a body may have; none where that is not known."""
    for part in path:
        if isinstance(part, int):
            continue
        field = None if shape is None else shape.model_fields.get(str(part))
        shapes = [] if field is None else list(_shapes(field.annotation))
        shape = shapes[0] if len(shapes) == 1 else None
    if shape is None:
        return []
    return sorted(field.alias or name for name, field in shape.model_fields.items())


def _shapes(annotation: Any) -> Iterator[Shape]:  # Any: a type, or a form of one
    """Every shape within an annotation: of a list, of what may be missing."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for one in get_args(annotation):
        yield from _shapes(one)
