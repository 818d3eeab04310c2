"""Keeps the topics and posts of an archive; what nobody who comes along wrote is somebody's."""

from collections.abc import Mapping

from sqlalchemy.orm import Session

from server.moving.archive import Archive
from server.moving.rows import PostRow, TopicRow
from server.moving.things import Things
from server.posts.model import Post, Topic


class Written:
    """The posts of one archive on their way into the tables."""

    def __init__(self, session: Session, archive: Archive, things: Things, came: Mapping[str, str | None]) -> None:
        """came: who is who here."""
        self._session = session
        self._archive = archive
        self._things = things
        self._came = came

    def keep(self) -> int:
        """Keeps all, and returns how many posts are new."""
        for row in self._archive.rows(TopicRow):
            known = self._things.find("topic", row.id)
            if known is None:
                topic = Topic(
                    community_id=self._things.community_id,
                    title=row.title,
                    made_by=self._came.get(row.by or ""),
                    made_at=row.made_at,
                )
                self._session.add(topic)
                self._session.flush()
                self._things.keep("topic", row.id, topic.id)
        return sum(self._keep(row) for row in self._archive.rows(PostRow))

    def _keep(self, row: PostRow) -> int:
        known = self._things.find("post", row.id)
        if known is not None:
            post = self._session.get(Post, int(known))
            if post is not None and post.deleted_at is None:
                post.text, post.edited_at = row.text, row.edited_at
            return 0
        if row.by is not None and self._came.get(row.by) is None:
            return 0  # she was erased here, and what she wrote with her
        topic, event = self._things.find("topic", row.topic), self._things.find("event", row.event)
        if topic is not None and self._session.get(Topic, int(topic)) is None:
            return 0  # its last post was deleted here
        answer_to = self._things.find("post", row.answer_to)
        above = None if answer_to is None else self._session.get(Post, int(answer_to))
        post = Post(
            topic_id=None if topic is None else int(topic),
            event_id=event,
            member_id=self._came.get(row.by or ""),
            text=row.text,
            picture_id=self._things.find("picture", row.picture),
            leads_to=self._things.find("event", row.leads_to),
            answer_to=None if above is None else above.id,
            newcomer=row.newcomer,
            at=row.at,
            edited_at=row.edited_at,
        )
        self._session.add(post)
        self._session.flush()
        self._things.keep("post", row.id, post.id)
        return 1
