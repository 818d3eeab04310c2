"""Pictures that members add: opened with care, made anew without what else a camera writes, kept once.

bytes --making (bounds, turned upright, WebP)--> service --row, once for the same picture--> /api/pictures/{id}
"""
