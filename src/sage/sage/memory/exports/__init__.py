"""Export and import: a memory as a folder of plain files, proven before it is taken in."""
