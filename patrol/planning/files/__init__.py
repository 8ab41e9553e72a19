"""Files of other programs as texts: in and out. Nothing here opens a file; the commands do."""
