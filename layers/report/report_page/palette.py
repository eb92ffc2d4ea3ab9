"""The colours of the page, for light and for dark: text that can be read, and series that colour-blind readers can tell apart.

The tests reckon contrasts (WCAG 2.2, 1.4.3 and 1.4.11) and the distances as protanopes, deuteranopes and tritanopes see them.
"""

from __future__ import annotations

Palette = dict[str, str]

#: As many warehouses have a colour of their own.
SERIES = 8
#: Steps of use on the heat map; step 0 is none.
HEAT_STEPS = 6

LIGHT: Palette = {
    "ground": "#f6f5f1",
    "surface": "#ffffff",
    "raised": "#f1f0ea",
    "ink": "#1b2430",
    "quiet": "#566070",
    "line": "#dcdad2",
    "strong-line": "#8a8f98",
    "accent": "#0f5e78",
    "good": "#1b6b3f",
    "alert": "#a3341b",
    "alert-ground": "#fbeee9",
    "series-0": "#32479a",
    "series-1": "#d6793d",
    "series-2": "#2e2146",
    "series-3": "#892a08",
    "series-4": "#938cb6",
    "series-5": "#521e1e",
    "series-6": "#4391f9",
    "series-7": "#a77a68",
    "rest": "#868c95",
    "spent": "#2b5876",
    "saved": "#2f8f5b",
    "heat-0": "#f1f0ea",
    "heat-1": "#c6dfe3",
    "heat-2": "#96c4cd",
    "heat-3": "#5ea3b3",
    "heat-4": "#2a7890",
    "heat-5": "#0c4a61",
}
DARK: Palette = {
    "ground": "#11151b",
    "surface": "#181d25",
    "raised": "#212833",
    "ink": "#e7e9ec",
    "quiet": "#a3acb8",
    "line": "#2e3643",
    "strong-line": "#6d7785",
    "accent": "#7cc4dc",
    "good": "#7ccb9b",
    "alert": "#f09d86",
    "alert-ground": "#33211d",
    "series-0": "#a5b2f7",
    "series-1": "#936245",
    "series-2": "#99f8f5",
    "series-3": "#889115",
    "series-4": "#d65794",
    "series-5": "#e4e973",
    "series-6": "#4363c7",
    "series-7": "#f9ae95",
    "rest": "#7f8794",
    "spent": "#5a93bd",
    "saved": "#a4e3b6",
    "heat-0": "#212833",
    "heat-1": "#1f3f4c",
    "heat-2": "#265f73",
    "heat-3": "#34869f",
    "heat-4": "#62b3cb",
    "heat-5": "#b5e4f1",
}


def variables(palette: Palette) -> str:
    """The palette as CSS variables."""
    return "".join(f"--{name}:{colour};" for name, colour in palette.items())
