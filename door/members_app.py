from starlette.routing import BaseRoute


def member_routes(run) -> list[BaseRoute]:
    return []
