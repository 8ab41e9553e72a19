"""The flight-plan generator. Pure: values in, values or texts out; no clock, no files, no sockets, no log."""
