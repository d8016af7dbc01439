"""`make serve`: the API in one process against the running local cloud, reloaded when its code changes.

- `__main__.py`: the command line; `serve_url` in stack.json.
- `reload.py`: the parent process, which holds the port and restarts the server process after a change.
- `process.py`: the server process: HTTP in threads, the Chalice handler in the main thread, one request at a time.
- `gateway.py`: events and responses as API Gateway makes them.

`chalice local` does not fit: it keeps one current request for all its threads, and so mixes callers up.
"""
