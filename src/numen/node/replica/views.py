"""When another proposes: views of a height, each with a proposer of its own.

A node that waits too long for a block wishes for the next view, and says so until it is there. More
than a third of the stake that wish are followed, since somebody honest is among them; with more
than two thirds the view begins. So nodes are in one view at about one time, however far apart they
were, and who is alone stays where it is. In each view there is more time than in the one before.

Who proposes in a later view takes the last block that it knows to be prepared, and makes one only
where it knows of none. Who has such a block gives it to the proposer when the view begins.
"""

from collections.abc import Mapping

from numen.node.replica import agree, candidates
from numen.node.replica.packet import Wish
from numen.node.replica.turn import Turn

WISHES_MAX = 1 << 20
"""Views that are wished for are below."""


def remind(turn: Turn) -> None:
    """Some time has passed: it may be too much."""
    replica, plan = turn.replica, turn.plan
    if plan.is_logged:
        return
    if not _is_waiting(turn):
        turn.set(view_ms=turn.now_ms)
    elif turn.now_ms - replica.view_ms >= plan.patience_ms(replica.view):
        _want(turn, replica.view + 1)
    if turn.replica.wish:
        _say(turn)
    if replica.view:
        _hand_over(turn)


def _is_waiting(turn: Turn) -> bool:
    """Whether the next block should be there by and by."""
    replica, plan = turn.replica, turn.plan
    is_late = 0 < plan.empty_ms < turn.now_ms - replica.kept_ms
    is_agreed_on = replica.candidate is not None or replica.prepared is not None
    # Whoever wishes may have what nobody else has heard of.
    is_wanted = any(view > replica.view for view, _ in replica.wishes.values())
    is_asked = bool(replica.pool.places) or replica.pressing > 0
    return is_agreed_on or is_late or is_wanted or is_asked


def wish(turn: Turn, peer: bytes, packet: Wish) -> None:
    """Somebody wants a view to begin."""
    replica, key = turn.replica, turn.plan.voter(peer)
    if turn.plan.is_logged or not key or packet.view >= WISHES_MAX:
        return
    if packet.height > replica.height + 1:
        agree.is_behind(turn, peer, packet.height - 1)
    elif packet.height == replica.height + 1:
        said = (int(packet.view), int(packet.prepared))
        if said > replica.wishes.get(key, (0, 0)):
            turn.set(wishes={**replica.wishes, key: said})
            _follow(turn)


def _want(turn: Turn, view: int) -> None:
    """Wish for a view."""
    if not turn.has_vote or view <= turn.replica.wish:
        return
    key = turn.plan.voter(turn.plan.me)
    turn.set(wish=view, wishes={**turn.replica.wishes, key: (view, 0)})
    _say(turn)
    _follow(turn)


def _say(turn: Turn) -> None:
    replica = turn.replica
    prepared = replica.prepared.prepared if replica.prepared is not None else None
    known = prepared.vote.view + 1 if prepared is not None else 0
    if turn.has_vote:
        turn.send(turn.plan.others, Wish(replica.height + 1, replica.wish, known))


def _follow(turn: Turn) -> None:
    """Wish what somebody honest does, and begin what enough wish."""
    electorate, wishes = turn.electorate, turn.replica.wishes
    followed = _widest(turn, wishes, electorate.total // 3)
    if followed > turn.replica.wish:
        _want(turn, followed)
        return
    begun = _widest(turn, wishes, 2 * electorate.total // 3)
    if begun > turn.replica.view:
        _begin(turn, begun)


def _widest(turn: Turn, wishes: Mapping[bytes, tuple[int, int]], above: int) -> int:
    """The highest view that members with more than some stake wish for, or a later one."""
    electorate, stake = turn.electorate, 0
    for view, key in sorted(((view, key) for key, (view, _) in wishes.items()), reverse=True):
        index = electorate.index(key)
        stake += electorate.stake(() if index is None else (index,))
        if stake > above:
            return view
    return 0


def _begin(turn: Turn, view: int) -> None:
    turn.set(
        view=view, wish=max(turn.replica.wish, view), view_ms=turn.now_ms, waited=0, is_fresh=True
    )
    _hand_over(turn)


def _hand_over(turn: Turn) -> None:
    """Let who proposes have the block that is prepared: it has to be this one."""
    replica = turn.replica
    candidate, prepared = replica.candidate, replica.prepared
    is_proposed = candidate is not None and candidate.view == replica.view
    if prepared is None or is_proposed:
        return
    if turn.proposer == turn.plan.me:
        candidates.propose(turn, prepared)
    else:
        turn.send([turn.proposer], prepared)


def restored(turn: Turn) -> None:
    """The node begins again: in the view in which it voted last."""
    turn.set(view_ms=turn.now_ms, wish=turn.replica.view)
    if turn.replica.view:
        _hand_over(turn)
