"""Reading what is written in sight."""
