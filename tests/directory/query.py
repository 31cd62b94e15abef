"""What a request may say about a list: limit, skip, sort, fields and filters, which v1 and v2 write differently."""
import re

LIMIT_MAX = 100
ID_FIELDS = ("_id", "id")


class BadRequest(Exception):
    """Its text is the message of a 400."""


def number(query, name, default):
    text = query.get(name, [str(default)])[-1]
    if not re.fullmatch(r"[0-9]{1,9}", str(text)):
        raise BadRequest(f'Bad Request: request parameter "{name}" is not a number')
    return int(text)


def page(query):
    """(skip, limit)."""
    limit = number(query, "limit", 10)
    if limit > LIMIT_MAX:
        raise BadRequest(f'Bad Request: request parameter "limit" exceeds maximum value of {LIMIT_MAX}')
    return number(query, "skip", 0), limit or 10


def words(query, name, separator):
    return [w for text in query.get(name, []) for w in text.split(separator) if w]


def sort_records(records, keys):
    for key in reversed(keys):
        name = key.lstrip("-")
        records.sort(key=lambda r: (r.get(name) is not None, r.get(name)), reverse=key.startswith("-"))
    return records


def project(record, fields):
    """Ids are always there."""
    return {k: v for k, v in record.items() if k in fields or k in ID_FIELDS} if fields else record


# Conditions: functions of one record.

def as_text(value):
    return {True: "true", False: "false", None: "null"}.get(value, str(value)) if not isinstance(value, str) else value


def compare(op, value, wanted):
    if isinstance(wanted, str) and not isinstance(value, str):
        value = as_text(value)
    if op == "eq":
        return value == wanted
    if op == "ne":
        return value != wanted
    if value is None or type(value) is not type(wanted):
        return False
    return {"gt": value > wanted, "ge": value >= wanted, "gte": value >= wanted, "lt": value < wanted,
            "le": value <= wanted, "lte": value <= wanted}[op]


class Any(list):
    """Conditions of which one is enough."""

    def __call__(self, record):
        return any(condition(record) for condition in self)

    def ids(self):
        """When only records of certain ids can be meant: these."""
        found = [c.ids() for c in self]
        return None if None in found or not found else set().union(*found)


class All(list):
    def __call__(self, record):
        return all(condition(record) for condition in self)

    def ids(self):
        found = [ids for ids in (c.ids() for c in self) if ids is not None]
        return set.intersection(*found) if found else None


class Is:
    def __init__(self, field, op, wanted):
        self.field, self.op, self.wanted = field, op, wanted

    def __call__(self, record):
        value = record.get(self.field)
        if self.op == "in":
            return any(compare("eq", value, w) for w in self.wanted)
        if self.op == "regex":
            return isinstance(value, str) and re.search(self.wanted, value) is not None
        if self.op == "search":
            return self.wanted.lower() in as_text(value).lower()
        if self.op == "between":
            low, high = self.wanted.split(",") if "," in self.wanted else (self.wanted, self.wanted)
            return compare("ge", value, low) and compare("le", value, high)
        return compare(self.op, value, self.wanted)

    def ids(self):
        if self.field not in ID_FIELDS or self.op not in ("eq", "in"):
            return None
        return set(self.wanted) if self.op == "in" else {self.wanted}


V1_OPS = ("eq", "ne", "gt", "gte", "lt", "lte")
V2_OPS = ("eq", "ne", "gt", "ge", "lt", "le", "between", "search", "in")


def v1_condition(text):
    field, _, rest = text.partition(":")
    op, _, value = rest.partition(":")
    if not field or not op.startswith("$") or op[1:] not in V1_OPS:
        raise BadRequest("Bad Request: filter is not <field>:<$operator>:<value>")
    return Is(field, op[1:], value)


def v1_filter(query):
    """filter=, filter[0]=… are all needed; of filter[or][0]=… one."""
    both, either = All(), Any()
    for name, values in query.items():
        m = re.fullmatch(r"filter(?:\[(and|or)\])?(?:\[\d*\])?", name)
        if m:
            (either if m.group(1) == "or" else both).extend(v1_condition(v) for v in values)
    if either:
        both.append(either)
    return both


def v2_filter(query, names=()):
    """NAMES: how fields are called in filters, where that differs from the records."""
    both = All()
    for text in words(query, "filter", ","):
        field, _, rest = text.partition(":")
        op, _, value = rest.partition(":")
        if op not in V2_OPS:
            raise BadRequest(f"invalid filter operator in {text!r}")
        both.append(Is(dict(names).get(field, field), op, value.split("|") if op == "in" else value))
    return both


def search_term(term, in_operator):
    """{field: value}, {field: {"$op": value}} or {"or": [...]}."""
    if not isinstance(term, dict):
        raise BadRequest("Bad Request: filter is not an object")
    both = All()
    for field, value in term.items():
        if field in ("and", "or", "$and", "$or"):
            both.append((Any if field.endswith("or") else All)(search_term(t, in_operator) for t in value))
        elif isinstance(value, dict):
            for op, wanted in value.items():
                if op[1:] not in (*V1_OPS, "regex", "in") or (op == "$in" and not in_operator):
                    raise BadRequest(f"Bad Request: unknown operator {op}")
                both.append(Is(field, op[1:], wanted))
        else:
            both.append(Is(field, "eq", value))
    return both


def search_filter(body, in_operator):
    """The body of POST /search/…: `filter`, and `searchFilter` for text anywhere in some fields."""
    term = body.get("filter") or {}
    both = search_term({"and": term} if isinstance(term, list) else term, in_operator)
    search = body.get("searchFilter") or {}
    terms = search.get("searchTerm", [])
    terms = [terms] if isinstance(terms, str) else terms
    if terms:
        fields = search.get("fields") or ("username", "email", "firstname", "lastname", "displayname")
        both.append(Any(Is(f, "search", t) for f in fields for t in terms))
    return both
