"""What naming is worth: classes of photographs, words that find them, looks at things.

Classes with odd numbers are for the test; the even ones chose constants. The scenes of tiny_coco
chose nothing.
"""
