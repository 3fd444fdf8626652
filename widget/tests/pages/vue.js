// The same application in Vue.
import { createApp, h, ref } from "vue";
import { loadConsent } from "consent-server-widget";
import { useConsent } from "../../../docs/recipes/vue.js";

window.app = loadConsent(window.tagOptions).then((consent) => consent !== null);
createApp({
  setup() {
    const view = ref("home");
    const maps = useConsent("maps");
    const go = () => (history.pushState({}, "", "/map"), (view.value = "map"));
    const map = () => (maps.value ? h("p", { id: "on" }, "Map") : h("p", { id: "off" }, "The map needs your consent."));
    return () => h("main", [h("button", { id: "go", onClick: go }, "Map"), h("h1", { id: "view" }, view.value), view.value === "map" && map()]);
  },
}).mount(document.body.appendChild(document.createElement("div")));
