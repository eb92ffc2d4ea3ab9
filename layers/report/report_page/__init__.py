"""The cost report as people take it in: a page to read and a sheet to reckon with. Pure: text in memory, made of a `Report` alone.

Importing this loads jinja2 and pygal; a handler imports it where it needs it.
"""

from report_page.page import render_html
from report_page.sheet import to_csv

__all__ = ["render_html", "to_csv"]
