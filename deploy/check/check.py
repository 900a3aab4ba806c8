#!/usr/bin/env python3
"""What promtool cannot know: that rules and dashboards ask for series, labels and values that the daemon has.

The daemon's side is metrics.txt, an answer of /metrics with every family in it, which is compared with the names in the
daemon's source, so that a series that is renamed is found here. Run by check.sh; prints what is wrong, one a line.

  check.py               checks all
  check.py rules FILE    writes the dashboard's expressions as a file of rules, for promtool to read
  check.py live          compares an answer of /metrics on standard input with metrics.txt
"""

import json
import re
import sys
from pathlib import Path

DEPLOY = Path(__file__).resolve().parent.parent
DAEMON = DEPLOY.parent / "daemon"
SCRAPED = {"job", "instance"}  # what Prometheus adds to every series
LISTS = r"\b(by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)"
SELECTOR = r"([a-zA-Z_:][\w:]*)\s*\{([^}]*)\}"
MATCHER = r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"'
WORDS = {"and", "or", "unless", "bool", "offset", "by", "on", "inf", "nan"}

problems = []


def wrong(where, what):
    problems.append(f"{where}: {what}")


# === the daemon's side ===


def read_metrics(text):
    """Series with their labels, and the values of those labels that the daemon chooses from a list."""
    series, kinds = {}, {}
    for line in text.splitlines():
        if line.startswith("# TYPE"):
            _, _, name, kind = line.split()
            kinds[name] = kind
        elif line and not line.startswith("#"):
            name, labels = re.match(r"([\w:]+)(?:\{(.*)\})? ", line).groups()
            known = series.setdefault(name, {})
            for label, value in re.findall(r'(\w+)="([^"]*)"', labels or ""):
                known.setdefault(label, set()).add(value)
    return series, kinds


def family(name, kinds):
    base = re.sub(r"_(bucket|sum|count)$", "", name)
    return base if kinds.get(base) == "histogram" else name


def against_source(series, kinds):
    source = (DAEMON / "http/metrics/name.rs").read_text()
    names = set(re.findall(r'pub const \w+: &str =\s*"([a-z_]+)"', source))
    sample = set(kinds)
    for name in sorted(names - sample):
        wrong("check/metrics.txt", f"{name} of daemon/http/metrics/name.rs is missing: take the file anew")
    for name in sorted(sample - names):
        wrong("check/metrics.txt", f"{name} is no longer in daemon/http/metrics/name.rs")
    for file, name in (("fleet", "impresario_version_phase"), ("courses", "impresario_rollout_phase")):
        source = (DAEMON / f"http/metrics/{file}.rs").read_text()
        phases = re.search(r"const PHASES: .*?= \[(.*?)\];", source, re.S)
        words = set(re.findall(r'"([\w-]+)"', phases[1])) if phases else set()
        if words != series.get(name, {}).get("phase"):
            wrong("check/metrics.txt", f"the phases of {name} are not those of daemon/http/metrics/{file}.rs")
    outcomes = set(re.findall(r'Self::\w+ => "(\w+)"', (DAEMON / "measure/cell.rs").read_text()))
    if outcomes != series["impresario_requests_total"]["outcome"]:
        wrong("check/metrics.txt", "its outcomes are not those of daemon/measure/cell.rs")


# === expressions ===


def plain(expr):
    """What remains are names, functions and operators."""
    expr = re.sub(r'"[^"]*"', "", re.sub(r"\{[^}]*\}", "", expr))
    return re.sub(r"\[[^\]]*\]", "", re.sub(LISTS, " ", expr))


def names_of(expr):
    found = re.findall(r"(?<![\w:.])([a-zA-Z_:][\w:]*)\b(?!\s*\()", plain(expr))
    return [name for name in found if name.lower() not in WORDS]


def listed(expr):
    for _, inside in re.findall(LISTS, expr):
        yield from (label.strip() for label in inside.split(",") if label.strip())


def check_expr(where, expr, known, chosen):
    for name in names_of(expr):
        if name not in known:
            wrong(where, f"there is no series {name}")
    for name, inside in re.findall(SELECTOR, expr):
        for label, operator, value in re.findall(MATCHER, inside):
            if name in known and label not in known[name]:
                wrong(where, f"{name} has no label {label}")
            if label in chosen and "$" not in value:
                for word in value.split("|") if "~" in operator else [value]:
                    if word not in chosen[label]:
                        wrong(where, f"{label} is never {word}")
    labels = set().union(*(known.get(name, set()) for name in names_of(expr)))
    for label in listed(expr):
        if label not in labels:
            wrong(where, f"no series of it has a label {label}")


def rules():
    try:
        import yaml
    except ImportError:
        sys.exit("check.py needs PyYAML: apt-get install python3-yaml, or pip install pyyaml")
    for file in ("bounds.yml", "recording.yml", "alerts.yml"):
        for group in yaml.safe_load((DEPLOY / "prometheus" / file).read_text())["groups"]:
            for rule in group["rules"]:
                yield f"prometheus/{file} {rule.get('record') or rule.get('alert')}", rule


def record(known, rule):
    """A recorded series has the labels it is grouped by, or those of what it is made of, and its own."""
    expr = rule["expr"]
    grouped = [set(map(str.strip, inside.split(","))) for word, inside in re.findall(LISTS, expr) if word == "by"]
    of = set().union(*grouped) if grouped else set().union(*(known.get(name, set()) for name in names_of(expr)))
    known[rule["record"]] = (of | set(rule.get("labels", {}))) - {"le"}


def dashboard():
    board = json.loads((DEPLOY / "grafana/impresario.json").read_text())
    for annotation in board["annotations"]["list"]:
        yield f"annotation {annotation['name']}", annotation["expr"]
    for variable in board["templating"]["list"]:
        if variable["type"] == "query":
            selector, label = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["definition"]).groups()
            yield f"variable {variable['name']}", f"count by ({label}) ({selector})"
    ids = [panel["id"] for panel in board["panels"]]
    if len(ids) != len(set(ids)):
        wrong("grafana/impresario.json", "two panels have one id")
    for panel in board["panels"]:
        if panel["type"] != "row" and not panel["targets"]:
            wrong("grafana/impresario.json", f"panel {panel['title']} shows nothing")
        for target in panel.get("targets", []):
            yield f"panel {panel['title']} {target['refId']}", target["expr"]


def write_rules(path):
    """Grafana's variables are filled in as Grafana does."""
    every = []
    for at, (_, expr) in enumerate(dashboard()):
        expr = expr.replace("$__rate_interval", "1m")
        expr = re.sub(r"\$(instance|pipeline|model)\b", ".*", expr)
        if "$" in expr:
            wrong("grafana/impresario.json", f"an unknown variable in {expr}")
        every.append({"record": f"dashboard:expression:{at}", "expr": expr})
    # JSON is YAML too.
    Path(path).write_text(json.dumps({"groups": [{"name": "dashboard", "rules": every}]}))


# === logs ===


def kibana():
    objects = [json.loads(line) for line in (DEPLOY / "kibana/impresario.ndjson").read_text().splitlines()]
    template = json.loads((DEPLOY / "kibana/index-template.json").read_text())
    fields = set(template["template"]["mappings"]["properties"])
    there = {(one["type"], one["id"]) for one in objects}
    source = "\n".join(path.read_text() for path in DAEMON.rglob("*.rs"))
    for one in objects:
        where, attributes = f"kibana {one['id']}", one["attributes"]
        for reference in one["references"]:
            if (reference["type"], reference["id"]) not in there:
                wrong(where, f"it refers to {reference['id']}, which is not in the file")
        used = set(attributes.get("columns", []))
        if "timeFieldName" in attributes:
            used.add(attributes["timeFieldName"])
        for agg in json.loads(attributes.get("visState", "{}")).get("aggs", []):
            used |= {agg["params"]["field"]} if "field" in agg["params"] else set()
        query = json.loads(attributes.get("kibanaSavedObjectMeta", {}).get("searchSourceJSON", "{}"))
        query = query.get("query", {}).get("query", "")
        used |= set(re.findall(r"([\w.@]+):", re.sub(r'"[^"]*"', "", query)))
        for field in sorted(used - fields):
            wrong(where, f"there is no field {field} in kibana/index-template.json")
        if query.startswith("message:"):
            for message in re.findall(r'"([^"]*)"', query):
                if f'"{message}"' not in source:
                    wrong(where, f"the daemon never logs {message!r}")
        for panel in json.loads(attributes.get("panelsJSON", "[]")):
            if not any(ref["name"] == f"{panel['panelIndex']}:{panel['panelRefName']}" for ref in one["references"]):
                wrong(where, f"panel {panel['panelIndex']} shows nothing")


def main():
    series, kinds = read_metrics((DEPLOY / "check/metrics.txt").read_text())
    if sys.argv[1:2] == ["rules"]:
        write_rules(sys.argv[2])
    elif sys.argv[1:2] == ["live"]:
        live, live_kinds = read_metrics(sys.stdin.read())
        if not live:
            wrong("live", "no series: is the address right, and does it want a token?")
        for name, labels in live.items():
            if family(name, live_kinds) not in kinds:
                wrong("live", f"{name} is not in check/metrics.txt")
            elif name in series and set(labels) != set(series[name]):
                wrong("live", f"{name} has the labels {sorted(labels)}, not {sorted(series[name])}")
    else:
        against_source(series, kinds)
        known = {name: set(labels) | SCRAPED for name, labels in series.items()} | {"up": set(SCRAPED)}
        chosen = {
            label: set().union(*(labels.get(label, set()) for labels in series.values()))
            for label in ("outcome", "phase", "result", "fared")
        }
        every = list(rules())
        for _, rule in every:
            if "record" in rule:
                record(known, rule)
        for where, rule in every:
            check_expr(where, rule["expr"], known, chosen)
        for where, expr in dashboard():
            check_expr(f"grafana/impresario.json {where}", expr, known, chosen)
        kibana()
        print(f"{len(kinds)} families, {len(every)} rules, {len(list(dashboard()))} expressions of the dashboard")
    for problem in problems:
        print(problem)
    sys.exit(bool(problems))


main()
