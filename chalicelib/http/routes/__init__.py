"""Routes by audience, as blueprints that app.py mounts."""
