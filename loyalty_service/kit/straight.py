"""The straight way to a route: what is asked for plainly goes past Flask.

Flask makes a context, proxies, a request and a response of every call, and asks who wants to hear
of it; nothing of the API looks at any of these, and together they took an eighth of a paid order's
time. What is not found here (pages, other methods, paths that are not plain) goes through Flask,
which finds the same routes.
"""

from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask
from werkzeug.http import HTTP_STATUS_CODES

from loyalty_service.kit.http import PARTS, Route, as_bytes
from loyalty_service.kit.observe import PAIRS, REQUEST_ID, Environ, begin, end
from loyalty_service.kit.problems import problem_to

Found = tuple[Route, list[str]]
_ANY, _HERE = 0, 1
"""Keys of a place beside the names that may follow: any name, and the route that ends here."""
_STATUS = {code: f"{code} {phrase.upper()}" for code, phrase in HTTP_STATUS_CODES.items()}


class Roads:
    """The routes by method and path."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._first: dict[str, dict[Any, Any]] = {}
        for route in routes:
            place = self._first.setdefault(route.method, {})
            for part in route.path.split("/"):
                place = place.setdefault(_ANY if part.startswith("{") else part, {})
            place[_HERE] = route

    def find(self, method: str, path: str) -> Found | None:
        """The route and the path's values; None where that takes a closer look."""
        place = self._first.get(method)
        if place is None or not path.isascii():
            return None
        texts = []
        for part in path.split("/"):
            further = place.get(part)
            if further is None:
                further = place.get(_ANY)
                if further is None or not part:
                    return None
                texts.append(part)
            place = further
        route = place.get(_HERE)
        return None if route is None else (route, texts)


class StraightApp(Flask):
    """Flask with a straight way to the routes of the API."""

    roads = Roads(())

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Nothing here is a coroutine, and asking costs every request."""
        return func

    def wsgi_app(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        """Answer a request."""
        path = environ.get("PATH_INFO", "")
        found = self.roads.find(environ["REQUEST_METHOD"], path)
        if found is None:
            return super().wsgi_app(environ, start_response)
        begin(environ)
        route, texts = found
        try:
            reply = route.answer(environ, path, texts, self.extensions[PARTS])
            status, body, more = reply.status, as_bytes(reply.body), reply.headers
            if self.testing:
                route.check(reply)
        except Exception as error:
            if self.testing and isinstance(error, AssertionError):
                raise
            problem = problem_to(error, environ, path)
            status, body, more = problem.status, problem.as_bytes(), problem.headers
        end(environ, route.rule, status, body, method=route.method)
        headers = [
            ("Content-Type", route.kind_of(status, more)),
            ("Content-Length", str(len(body))),
            *(pair for pair in more.items() if pair[0] != "Content-Type"),
            *PAIRS,
            ("X-Request-Id", environ[REQUEST_ID]),
        ]
        start_response(_STATUS[status], headers)
        return (body,)
