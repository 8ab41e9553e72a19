"""What runs on a box. Importing this package imports nothing else: take the module you need."""
