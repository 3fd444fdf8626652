// The consent cookie, set by a CDN's worker in front of the site: the form that Cloudflare, Deno Deploy and others run.
const PAIR = /^consent_s_[0-9a-z]{1,24}_kept=[A-Za-z0-9_.-]{1,80}$/;
const ATTRIBUTES = "Max-Age=15552000; Path=/; Secure; SameSite=Lax; Domain=shop.example";

export default {
  async fetch(request) {
    if (new URL(request.url).pathname !== "/consent-cookie") return fetch(request);
    const pair = request.headers.get("X-Consent") ?? "";
    if (request.method !== "POST" || !PAIR.test(pair)) return new Response(null, { status: 400 });
    return new Response(null, { status: 204, headers: { "Set-Cookie": `${pair}; ${ATTRIBUTES}`, "Cache-Control": "no-store" } });
  },
};
