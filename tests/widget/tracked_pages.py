"""Thirty-one pages with known trackers in every way in which pages insert them.

In each text HOST is never the page's own: all addresses are those of real vendors, and the test answers them itself. An
`early` script runs in the head, right after the tag; a `late` one when the page is there. Pages whose trackers are all
marked wait with any embedding (`marked`); the others need a synchronous tag that guards.
"""

from dataclasses import dataclass

GA = "https://www.google-analytics.com"
NOTE = "(window.ran ??= []).push('own')"


@dataclass(frozen=True)
class Tracked:
    """A page: markup of its head and body, scripts for early and late, and what it needs."""

    name: str
    head: str = ""
    body: str = ""
    early: str = ""
    late: str = ""
    marked: bool = False


def _marked(name: str, body: str = "", **more: str) -> Tracked:
    return Tracked(name, body=body, marked=True, **more)


def _both(name: str, script: str) -> Tracked:
    """The same script early and late."""
    return Tracked(name, early=script, late=script)


def _created(tag: str, address: str, more: str = "") -> str:
    return (
        f"const made = document.createElement('{tag}'); {more} made.src = '{address}';"
        f" (document.body ?? document.head).append(made)"
    )


# The vendors' own snippets, shortened to what they do: a queue, and a script that is inserted before the first one.
def _snippet(queue: str, address: str) -> str:
    return (
        f"{queue}; const made = document.createElement('script'); made.async = true; made.src = '{address}';"
        " const first = document.getElementsByTagName('script')[0]; first.parentNode.insertBefore(made, first)"
    )


PAGES = [
    _marked(
        "parsed script",
        f'<script type="text/plain" data-consent="analytics" data-src="{GA}/analytics.js"></script>',
    ),
    _marked(
        "parsed scripts with async, defer and type",
        '<script async type="text/plain" data-consent="marketing" data-src="https://connect.facebook.net/en_US/fbevents.js"></script>'
        '<script defer type="text/plain" data-consent="marketing" data-src="https://snap.licdn.com/insight.js"></script>',
    ),
    _marked(
        "module",
        f'<script type="text/plain" data-type="module" data-consent="analytics" data-src="{GA}/module.js"></script>'
        f'<script type="text/plain" data-type="module" data-consent="analytics">import "{GA}/inner.js"</script>',
    ),
    _marked(
        "inline script that stores",
        '<script type="text/plain" data-consent="analytics">document.cookie = "_ga=1"; localStorage._hjid = 1; '
        'sessionStorage.mine = 1; indexedDB.open("tracker")</script>',
    ),
    _marked(
        "parsed frame",
        '<iframe title="v" data-consent="video" data-src="https://www.youtube.com/embed/x"></iframe>',
    ),
    _marked(
        "parsed pixel", '<img alt="" data-consent="marketing" data-src="https://www.facebook.com/tr?id=1">'
    ),
    _marked(
        "style sheet and styles",
        '<link rel="stylesheet" data-consent="marketing" data-href="https://cdn.taboola.com/x.css">'
        '<style type="text/plain" data-consent="marketing">body { background: url(https://trc.taboola.com/p.gif) }</style>',
    ),
    _marked(
        "pixel for pages without scripts",
        '<noscript><img alt="" src="https://www.facebook.com/tr?id=2"></noscript>',
    ),
    _marked(
        "marked script that comes late",
        late="const made = document.createElement('script'); made.type = 'text/plain'; made.dataset.consent = 'analytics';"
        f" made.dataset.src = '{GA}/late.js'; document.body.append(made)",
    ),
    _marked(
        "marked frame that comes late",
        late="const made = document.createElement('iframe'); made.title = 'm'; made.dataset.consent = 'maps';"
        " made.dataset.src = 'https://www.google.com/maps/embed?late'; document.body.append(made)",
    ),
    _marked(
        "markup that comes late",
        late="document.body.insertAdjacentHTML('beforeend', `<img alt='' data-consent='marketing'"
        " data-src='https://px.ads.linkedin.com/late'>`)",
    ),
    Tracked(
        "in the source, marked by nobody",
        head='<script src="https://www.google-analytics.com/analytics.js"></script>'
        '<script async src="https://connect.facebook.net/en_US/fbevents.js"></script>',
        body='<img alt="" src="https://www.facebook.com/tr?id=9&amp;ev=PageView">',
    ),
    _both("created script", _created("script", "https://static.hotjar.com/c/hotjar-1.js")),
    _both(
        "created module",
        _created("script", "https://cdn.mxpnl.com/libs/mixpanel.js", "made.type = 'module';"),
    ),
    _both(
        "attribute set by name",
        "const made = document.createElement('script'); made.setAttribute('SRC', 'https://snap.licdn.com/insight.js');"
        " document.head.append(made)",
    ),
    _both("created frame", _created("iframe", "https://player.vimeo.com/video/1", "made.title = 'v';")),
    _both("image object", "new Image(1, 1).src = 'https://px.ads.linkedin.com/collect?pid=1'"),
    _both(
        "fetch",
        f"fetch('{GA}/g/collect', {{ method: 'POST', mode: 'no-cors', keepalive: true }}).catch(() => {{}})",
    ),
    _both(
        "fetch of a request",
        f"fetch(new Request('{GA}/g/collect?r', {{ mode: 'no-cors' }})).catch(() => {{}})",
    ),
    _both(
        "request of the old kind",
        "const made = new XMLHttpRequest(); made.open('POST', 'https://stats.g.doubleclick.net/j/collect'); made.send('')",
    ),
    _both("beacon", "navigator.sendBeacon('https://bat.bing.com/action/0', 'x')"),
    _both(
        "cookies",
        "document.cookie = '_ga=GA1.1.2.3;path=/;max-age=999'; document.cookie = '_fbp=fb.1.2;path=/'",
    ),
    _both("storage", "localStorage.setItem('_hjSession', '1'); sessionStorage.setItem('_uetsid', '1')"),
    Tracked(
        "written script",
        early="document.write('<scr' + 'ipt src=\"https://mc.yandex.ru/metrika/watch.js\"></scr' + 'ipt>')",
    ),
    Tracked(
        "written frame and pixel",
        body="<script>document.write('<iframe title=v src=https://player.vimeo.com/video/2></iframe>',"
        ' \'<img alt="" src="https://www.facebook.com/tr?id=3&amp;ev=PageView">\')</script>',
    ),
    _both(
        "markup set as text",
        "const made = document.createElement('div'); made.innerHTML = '<img alt=\"\" src=\"https://www.facebook.com/tr?id=4\">'"
        " + '<iframe title=v src=\"https://www.youtube-nocookie.com/embed/y\"></iframe>'; document.documentElement.append(made)",
    ),
    _both(
        "markup in a shadow root",
        "const made = document.createElement('div'); made.attachShadow({ mode: 'open' }).innerHTML ="
        ' \'<img alt="" src="https://ct.pinterest.com/v3?shadow">\'; document.documentElement.append(made)',
    ),
    Tracked(
        "template that is copied",
        body="<template id=t></template>",
        late="t.innerHTML = '<iframe title=m src=https://maps.google.com/maps?q=1></iframe>';"
        " document.body.append(t.content.cloneNode(true))",
    ),
    _both(
        "the snippets of Google and Meta",
        _snippet(
            "window.dataLayer ??= []; function gtag() { dataLayer.push(arguments) } gtag('config', 'G-1')",
            "https://www.googletagmanager.com/gtag/js?id=G-1",
        )
        + "; const pixel = document.createElement('script'); pixel.src = 'https://connect.facebook.net/en_US/fbevents.js';"
        " first.parentNode.insertBefore(pixel, first)",
    ),
    _both(
        "the snippet of Clarity", _snippet("window.clarity ??= () => {}", "https://www.clarity.ms/tag/abc")
    ),
    _both("the snippet of Baidu", _snippet("window._hmt ??= []", "https://hm.baidu.com/hm.js?abc")),
]
