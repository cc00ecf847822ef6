"""Version 1 of the public API: thin routes over `backend.queries`, and the schemas of what they answer."""
