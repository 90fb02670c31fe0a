"""States: one byte that remembers the decisions that were made in a context.

Follows "States" in chapter 7 of doc/format.md.
"""

EXACT = 4                      # decisions that are remembered exactly
LARGER = (48, 24, 10, 6, 5)    # the most that the larger count is, by the smaller one


def exists(zeros, ones):
    """Say whether there is a state with these counts, exact histories included."""
    smaller, larger = sorted((zeros, ones))
    return zeros + ones <= EXACT or (smaller < len(LARGER) and larger <= LARGER[smaller])


def discounted(count):
    """Return what becomes of a count when the decision is the other one."""
    if count <= 2:
        return count
    if count <= 4:
        return count - 1
    for limit, becomes in ((7, 4), (15, 5), (31, 6)):
        if count <= limit:
            return becomes
    return 7


def exact(history):
    """Return the state of an exact history, a list of decisions, the oldest one first."""
    v = 0
    for bit in history:
        v = v * 2 + bit
    return (1 << len(history)) - 1 + v


def histories():
    """Yield the exact histories in the order of their states."""
    for m in range(EXACT + 1):
        for v in range(1 << m):
            yield [(v >> (m - 1 - i)) & 1 for i in range(m)]


def counted():
    """Yield zeros, ones and the last decision of the other states, in their order."""
    for zeros in range(LARGER[0] + 1):
        for ones in range(LARGER[0] + 1):
            if zeros + ones <= EXACT or not exists(zeros, ones):
                continue
            for last in (0, 1):
                if (zeros, ones)[last] > 0:
                    yield zeros, ones, last


def short_history(zeros, ones, last):
    """Return the exact history that stands for few counts."""
    if last == 0:
        return [1] * ones + [0] * zeros
    return [1] * (ones - 1) + [0] * zeros + [1]


def after(zeros, ones, bit):
    """Return the counts that follow from some counts and a decision."""
    counts = [zeros, ones]
    counts[bit] += 1
    counts[1 - bit] = discounted(counts[1 - bit])
    while not exists(*counts):
        if counts[bit] > counts[1 - bit]:
            counts[bit] -= 1
        else:
            counts[1 - bit] -= 1
    return counts


def _tables():
    """Return NEXT and DECISIONS."""
    numbers = {state: 31 + i for i, state in enumerate(counted())}

    def following(zeros, ones, bit):
        counts = after(zeros, ones, bit)
        if sum(counts) <= EXACT:
            return exact(short_history(*counts, bit))
        return numbers[counts[0], counts[1], bit]

    following_states = []
    decisions = []
    for history in histories():
        ones = sum(history)
        zeros = len(history) - ones
        if len(history) < EXACT:
            following_states.append((exact(history + [0]), exact(history + [1])))
        else:
            following_states.append((following(zeros, ones, 0), following(zeros, ones, 1)))
        decisions.append(len(history))
    for zeros, ones, _ in numbers:
        following_states.append((following(zeros, ones, 0), following(zeros, ones, 1)))
        decisions.append(zeros + ones)
    return following_states, decisions


# NEXT[state][bit] is the state after a decision; DECISIONS[state] how many it remembers.
NEXT, DECISIONS = _tables()
