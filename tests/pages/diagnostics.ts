/** The page of diagnostics with a configuration that can't work: only relays may be used, and there is none. */

import "../../web/app/diagnostics/diagnostics-page.ts";
import { Diagnostics } from "../../web/app/diagnostics/diagnostics.ts";

const page = document.createElement("peerloom-diagnostics-page");
page.diagnostics = new Diagnostics({ iceServers: [], iceTransportPolicy: "relay" });
document.body.append(page);
