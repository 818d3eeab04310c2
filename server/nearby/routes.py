"""What is near over HTTP: gatherings and venues for whoever asks, each with its reasons."""

from typing import Annotated

from fastapi import APIRouter, Depends, status

from server.interests import service as interests
from server.nearby import asking, choices, schema
from server.nearby import service as nearby
from server.nearby.asking import Question
from server.people import access
from server.requests import InPage, InTransaction, Now

router = APIRouter(prefix="/api/nearby", tags=["nearby"])

InQuestion = Annotated[Question, Depends(asking.read)]


@router.get("")
def list_nearby(
    question: InQuestion, viewer: access.Viewer, session: InTransaction, now: Now, page: InPage, say: access.Say
) -> list[schema.NearOut]:
    """Gatherings and venues around a place, those first that would bring you there, each with why.

    The points of its reasons add up to its score. Nothing of where you ask is kept.
    """
    place, _ = asking.where(session, viewer, question, now=now)
    wanted = asking.wanted(question, place, now=now)
    person, found = nearby.find(session, viewer, wanted, order=question.order, now=now, page=page)
    names = {one.id: interests.name_of(one, say) for one in interests.list_all(session, retired=True)}
    return [schema.show(one, person, names, at=wanted.asked.at, say=say) for one in found]


@router.get("/weights")
def list_weights(_operator: access.Operator, session: InTransaction) -> list[schema.WeightOut]:
    """How much each factor weighs here, learnt at night from who came, and as every server begins."""
    return [schema.WeightOut(**row._asdict()) for row in choices.weights(session)]


@router.delete("/weights", status_code=status.HTTP_204_NO_CONTENT)
def put_weights_back(_operator: access.Operator, session: InTransaction) -> None:
    """Makes each factor weigh as shipped, until a night learns of it anew."""
    choices.put_back(session)
