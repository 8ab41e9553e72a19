"""Sky-Ground Patrol. Importing this package imports nothing else: take the module you need."""
