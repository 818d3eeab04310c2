"""What the API says of pictures."""

from server.fields import Outgoing
from server.pictures.model import Picture


class PictureOut(Outgoing):
    """A picture as it is kept; url: where it is, the same for ever."""

    id: str
    url: str
    width: int
    height: int


def url_of(picture_id: str) -> str:
    """Where a picture is."""
    return f"/api/pictures/{picture_id}"


def show(picture: Picture) -> PictureOut:
    """A picture as the API shows it."""
    return PictureOut(id=picture.id, url=url_of(picture.id), width=picture.width, height=picture.height)
