"""Survey platforms: how each writes responses and takes questionnaires."""
