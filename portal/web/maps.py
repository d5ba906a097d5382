"""Knows how folium writes our maps: its own skeleton replaced by ours, with our files and no inline style."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import folium
from branca.element import Figure
from folium.template import Template

# Leaflet comes from our own static files; jQuery, Bootstrap and Font Awesome are not needed at all.
ASSETS_JS = ["vendor/leaflet/leaflet.js", "js/basemap.js", "js/map.js"]
PROGRESS_JS = ["vendor/leaflet/leaflet.js", "js/basemap.js", "js/progress.js"]
ASSETS_CSS = ["vendor/leaflet/leaflet.css"]


@dataclass(frozen=True, slots=True)
class DrawnMap:
    """A map ready for a template: its element, its script text, and the static files it needs."""

    html: str
    script: str
    styles: Sequence[str]
    scripts: Sequence[str]


class PortalMap(folium.Map):
    """A folium map in our own skeleton: `data` becomes data attributes that static/js/map.js reads."""

    _template = Template(
        """
        {% macro html(this, kwargs) %}
        <div class="map-box big-map" id="{{ this.get_name() }}"
          {%- for name, value in this.data.items() %} data-{{ name }}="{{ value|e }}"{% endfor %}></div>
        {% endmacro %}
        {% macro script(this, kwargs) %}
        var {{ this.get_name() }} = wenlu.map("{{ this.get_name() }}", {
          center: {{ this.location|tojson }}, zoom: {{ this.options.zoom|tojson }}
        });
        {% endmacro %}
        """
    )
    default_js: list[tuple[str, str]] = []  # noqa: RUF012 - folium declares it as a plain list
    default_css: list[tuple[str, str]] = []  # noqa: RUF012

    def __init__(self, lon: float, lat: float, zoom: int, data: Mapping[str, str]) -> None:
        super().__init__(location=[lat, lon], zoom_start=zoom, tiles=None)
        self.data = dict(data)


class ReportLayer(folium.map.Layer):
    """The reports, fetched for the part of the map in view."""

    _template = Template(
        """
        {% macro script(this, kwargs) %}
        var {{ this.get_name() }} = wenlu.reports({{ this._parent.get_name() }});
        {% endmacro %}
        """
    )

    def __init__(self) -> None:
        super().__init__(name="reports", overlay=True, control=False)
        self._name = "Reports"  # becomes the first part of the variable's name in the script


class ProgressLayer(folium.map.Layer):
    """The areas of a layer, coloured by what `figures` say of a period; a slider moves through the periods."""

    _template = Template(
        """
        {% macro script(this, kwargs) %}
        var {{ this.get_name() }} = wenlu.progress({{ this._parent.get_name() }}, {{ this.figures|tojson }});
        {% endmacro %}
        """
    )

    def __init__(self, figures: Mapping[str, Any]) -> None:
        super().__init__(name="progress", overlay=True, control=False)
        self._name = "Progress"
        self.figures = dict(figures)


class FeatureLayer(folium.map.Layer):
    """GeoJSON features drawn from the page itself: `colours` by the property `kind`, a popup of the rest."""

    _template = Template(
        """
        {% macro script(this, kwargs) %}
        var {{ this.get_name() }} = wenluFeatures({{ this._parent.get_name() }},
          {{ this.features|tojson }}, {{ this.colours|tojson }});
        {% endmacro %}
        """
    )

    def __init__(self, features: Mapping[str, Any], colours: Mapping[str, str]) -> None:
        super().__init__(name="features", overlay=True, control=False)
        self._name = "Features"
        self.features, self.colours = dict(features), dict(colours)


def draw_features(features: Mapping[str, Any], colours: Mapping[str, str]) -> DrawnMap:
    """A map of a GeoJSON collection (EPSG:4326) that needs nothing but Leaflet and a `wenluFeatures`."""
    drawn = PortalMap(0.0, 0.0, 2, {})
    FeatureLayer(features, colours).add_to(drawn)
    return _drawn(drawn, ASSETS_JS[:1])


def draw_map(
    centre: Sequence[float], zoom: int, data: Mapping[str, str], reports_js: str = "js/map.js"
) -> DrawnMap:
    """A map of reports around `centre` (lon, lat in EPSG:4326 degrees); `reports_js` draws them."""
    drawn = PortalMap(centre[0], centre[1], zoom, data)
    ReportLayer().add_to(drawn)
    return _drawn(drawn, [*ASSETS_JS[:-1], reports_js])


def draw_progress(
    centre: Sequence[float], zoom: int, data: Mapping[str, str], figures: Mapping[str, Any]
) -> DrawnMap:
    """A choropleth around `centre` (lon, lat in EPSG:4326 degrees) with the figures of each area by period."""
    drawn = PortalMap(centre[0], centre[1], zoom, data)
    ProgressLayer(figures).add_to(drawn)
    return _drawn(drawn, PROGRESS_JS)


def _drawn(drawn: PortalMap, scripts: Sequence[str]) -> DrawnMap:
    figure = Figure()
    figure.add_child(drawn)
    drawn.render()  # type: ignore[no-untyped-call]
    return DrawnMap(_text(figure.html), _text(figure.script), ASSETS_CSS, scripts)


def _text(part: Any) -> str:
    return str(part.render()).strip()
