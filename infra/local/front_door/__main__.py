"""The command line of the front door."""

from flask import Flask

from infra.local import front_door, loopback
from infra.local.front_door.site import create_app
from infra.local.front_door.upstream import Upstream


def main() -> None:
    """Serve until SIGTERM."""
    parser = loopback.port_parser(front_door.__doc__)
    parser.add_argument("--api-url", required=True, help="base URL of the API and its pages")
    parser.add_argument("--issuer-url", help="base URL of the token issuer; without it no fan can sign in")
    options = parser.parse_args()

    def make_app(_: str) -> Flask:
        issuer = Upstream(options.issuer_url) if options.issuer_url else None
        return create_app(api=Upstream(options.api_url), issuer=issuer)

    loopback.run(make_app, options.port)


main()
