"""Knows how GeoJSON becomes one HTML file that can be opened anywhere: folium's map, our Leaflet inside it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from portal.errors import NotReady
from portal.i18n import N_, Message

STATIC = Path(__file__).resolve().parents[2] / "static"
COLOURS = {"gap": "#b3261e", "partial_gap": "#c77700", "overlap": "#3f51b5", "change": "#00695c"}

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>{leaflet_css}
html, body {{ height: 100%; margin: 0; font: 15px/1.4 sans-serif; }}
body {{ display: flex; flex-direction: column; }}
h1 {{ font-size: 1.1rem; margin: .6rem 1rem; }}
.map-box {{ flex: 1; background: #f4f4f1; }}
dl {{ margin: 0; max-width: 22rem; }} dt {{ font-weight: bold; }} dd {{ margin: 0 0 .4rem; }}</style></head>
<body><h1>{title}</h1>{html}
<script>{leaflet_js}</script>
<script>{helper}
{script}</script></body></html>
"""
# Text only ever becomes text: what a pack names cannot become part of the page.
_HELPER = """
var wenlu = { map: function (id, options) { return L.map(id, options); } };
function wenluFeatures(map, data, colours) {
  var layer = L.geoJSON(data, {
    style: function (f) {
      return { color: colours[f.properties.kind] || colours.change, weight: 1.5, fillOpacity: .3 };
    },
    pointToLayer: function (f, at) { return L.circleMarker(at, { radius: 5 }); }
  }).addTo(map);
  layer.bindPopup(function (target) {
    var list = document.createElement("dl"), p = target.feature.properties;
    Object.keys(p).forEach(function (key) {
      var name = document.createElement("dt"), value = document.createElement("dd");
      name.textContent = key;
      value.textContent = Array.isArray(p[key]) ? p[key].join(", ") : p[key];
      list.append(name, value);
    });
    return list;
  }, { maxHeight: 320 });
  if (data.features.length) map.fitBounds(layer.getBounds().pad(0.05));
  return layer;
}"""


def write_map(path: Path, title: str, features: Mapping[str, Any]) -> None:
    """Write a GeoJSON collection as it is, or as a page where the name ends in .html.

    NotReady where Leaflet is not installed yet.
    """
    if path.suffix.lower() in {".html", ".htm"}:
        path.write_text(_page(title, features), encoding="utf-8")
    else:
        path.write_text(json.dumps(features, ensure_ascii=False), encoding="utf-8")


def _page(title: str, features: Mapping[str, Any]) -> str:
    from portal.web.maps import draw_features

    drawn = draw_features(features, COLOURS)
    return _PAGE.format(
        title=escape(title),
        html=drawn.html,
        script=drawn.script,
        helper=_HELPER,
        leaflet_css=_asset(drawn.styles[0]),
        leaflet_js=_asset(drawn.scripts[0]),
    )


def _asset(name: str) -> str:
    try:
        return (STATIC / name).read_text(encoding="utf-8").replace("</script", "<\\/script")
    except FileNotFoundError:
        raise NotReady(Message(N_("The browser assets are not installed yet; `make run` does it."))) from None
