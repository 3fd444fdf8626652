// A single-page application in React: two views, one of which needs a purpose.
import { StrictMode, useState } from "react";
import { createRoot } from "react-dom/client";
import { loadConsent } from "consent-server-widget";
import { WithConsent } from "../../../docs/recipes/react.jsx";

const App = () => {
  const [view, setView] = useState("home");
  return (
    <main>
      <button id="go" onClick={() => (history.pushState({}, "", "/map"), setView("map"))}>Map</button>
      <h1 id="view">{view}</h1>
      {view === "map" && <WithConsent purpose="maps" fallback={<p id="off">The map needs your consent.</p>}><p id="on">Map</p></WithConsent>}
    </main>
  );
};

window.app = loadConsent(window.tagOptions).then((consent) => consent !== null);
createRoot(document.body.appendChild(document.createElement("div"))).render(<StrictMode><App /></StrictMode>);
