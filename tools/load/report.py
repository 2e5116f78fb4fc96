# SPDX-License-Identifier: Apache-2.0
"""The figures of tools/bench, on the terminal and in files."""

import json
import os
import platform
import subprocess
import time

MARK = "<!-- tools/bench writes below this line -->"

COLUMNS = ("", "tarn", "beside", "", "ratio", "p99", "CPU a request",
           "theirs", "client's")


def human(value, unit):
    if value is None:
        return ""
    if unit == "B/s":
        return f"{value / 1e9:.2f} GB/s" if value >= 1e9 \
            else f"{value / 1e6:.0f} MB/s"
    if unit == "B":
        return f"{value / 1e6:.0f} MB"
    if unit == "s":
        return f"{value:.1f} s"
    if unit == "us":
        return f"{value / 1000:.1f} ms" if value >= 1000 \
            else f"{value:.0f} µs"
    if unit == "MiB":
        return f"{value:.1f} MiB"
    if value >= 100000:
        return f"{value / 1000:.0f} k{unit}"
    return f"{value / 1000:.1f} k{unit}" if value >= 1000 \
        else f"{value:.0f} {unit}"


def command(*words):
    try:
        return subprocess.run(words, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL).stdout.strip()
    except OSError:
        return ""


def cpu_name():
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as info:
        for line in info:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.machine()


class Report:
    def __init__(self, options):
        self.options = options
        self.machine = {}
        self.groups = []
        self.was_cut_off = False

    def wants(self, name):
        """Whether --only leaves the row in."""
        return not self.options.only or self.options.only in name

    def describe(self, site):
        self.machine = {
            "cpu": f"{len(site.all_cpus)} x {cpu_name()}",
            "kernel": platform.release(),
            "fileSystem": command("findmnt", "-n", "-o", "FSTYPE", "-T",
                                  str(site.dir)),
            "commit": command("git", "-C", os.path.dirname(__file__),
                              "rev-parse", "--short", "HEAD"),
            "date": time.strftime("%Y-%m-%d"),
            "run": f"median of {site.repeats}, {site.seconds} s each",
            "loadBefore": f"{os.getloadavg()[0]:.1f}",
            "serverCpus": sorted(site.server_cpus),
            "clientCpus": sorted(site.client_cpus),
        }
        print(self.heading(), flush=True)

    def heading(self):
        m = self.machine
        return (f"{m['cpu']}, Linux {m['kernel']}, {m['fileSystem']}; commit "
                f"{m['commit']}, {m['date']}; {m['run']}; load average before "
                f"{m['loadBefore']}. Pinned rows: servers on CPU "
                f"{m['serverCpus']}, the client on {m['clientCpus']}.")

    def group(self, title, note):
        self.groups.append({"title": title, "note": note, "rows": []})
        print(f"\n{title}: {note}", flush=True)

    def row(self, name, unit, ours, beside=None, reference=None, **more):
        if not self.wants(name):
            return
        row = {"name": name, "unit": unit, "ours": ours, "beside": beside,
               "reference": reference, **more}
        row["ratio"] = ours / reference if reference else None
        self.groups[-1]["rows"].append(row)
        print(self.line(row), flush=True)

    def cells(self, row):
        ratio = f"{row['ratio']:.2f}" if row["ratio"] is not None else ""
        return (row["name"], human(row["ours"], row["unit"]),
                row["beside"] or "", human(row["reference"], row["unit"]),
                ratio, human(row.get("p99us"), "us"),
                human(row.get("serverCpuUs"), "us"),
                human(row.get("referenceCpuUs"), "us"),
                human(row.get("clientCpuUs"), "us"))

    def line(self, row):
        name, ours, beside, reference, *rest = self.cells(row)
        return (f"{name:<46}{ours:>12}  {beside:<24}{reference:>12}"
                + "".join(f"{cell:>9}" for cell in rest))

    def markdown(self):
        lines = [self.heading()]
        for group in self.groups:
            if not group["rows"]:
                continue
            lines += ["", f"### {group['title']}", "", group["note"], "",
                      "| " + " | ".join(COLUMNS) + " |",
                      "|---|---:|---|---:|---:|---:|---:|---:|---:|"]
            lines += ["| " + " | ".join(self.cells(row)) + " |"
                      for row in group["rows"]]
        return "\n".join(lines) + "\n"

    def end_early(self):
        """Says so in the table; no row is left half."""
        self.was_cut_off = True
        self.machine["run"] += ", ended before the last row"

    def finish(self):
        if self.options.json:
            self.options.json.write_text(json.dumps(
                {"machine": self.machine, "groups": self.groups}, indent=1)
                + "\n")
        path = self.options.markdown
        if not path:
            return
        before = path.read_text() if path.exists() else ""
        kept = before.split(MARK)[0] + MARK + "\n\n" if MARK in before else ""
        path.write_text(kept + self.markdown())
