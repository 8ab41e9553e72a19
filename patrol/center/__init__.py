"""The programs of the district operation centre: ingest, incidents, dispatch, cases, store, api."""
