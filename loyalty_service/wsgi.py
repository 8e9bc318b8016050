"""For a WSGI server of your own: `gunicorn loyalty_service.wsgi:application`."""

from loyalty_service.app import create_app
from loyalty_service.config import read_config

application = create_app(read_config())
