/** What Open CTI's methods do in this console. */
import { ApiError, request, REST } from "../data/client.ts";
import { createRecord, knownRecord, prefetch, refresh, saveRecord } from "../data/records.ts";
import { objectOfId, objects, session } from "../data/session.ts";
import type { Row } from "../data/types.ts";
import { navigate } from "../router.ts";
import { refreshPages } from "../shell/refresh.ts";
import { below, openNew } from "../shell/workspace.ts";
import { CtiFailure } from "./host.ts";
import type { CtiActions, ViewInfo } from "./methods.ts";
import { changePanel, panel } from "./panel.ts";
import { initialized } from "./standby.ts";
import { onView, viewInfo } from "./view.ts";

const REST_ID = 18;
const WAIT_MS = 5_000;

/** The page in front once its record's name is known; without the name when the org does not tell it in time. */
function currentView(): Promise<ViewInfo> {
  return new Promise((resolve) => {
    let timer = 0;
    let stop = () => {};
    const look = () => {
      const { complete, ...info } = viewInfo();
      if (!complete) return false;
      window.clearTimeout(timer);
      stop();
      resolve(info);
      return true;
    };
    if (look()) return;
    const shown = below.get();
    if (shown.page !== "record") return;
    stop = onView(look);
    timer = window.setTimeout(() => {
      stop();
      const { complete: _, ...info } = viewInfo();
      resolve(info);
    }, WAIT_MS);
    void refresh(shown.id).then(look);
  });
}

function refused(error: unknown): CtiFailure {
  if (error instanceof ApiError)
    return new CtiFailure("SERVER_ERROR", error.message || "The server did not answer.", error.problems);
  return new CtiFailure("GENERIC_ERROR", error instanceof Error ? error.message : "The method failed.");
}

interface FoundRecord extends Row {
  Id: string;
  attributes: { type: string };
}

export const consoleActions: CtiActions = {
  openRecord(id) {
    // What the page needs is asked for before anything is drawn.
    const object = objectOfId(id);
    prefetch(object, id);
    navigate({ page: "record", object: object ?? "", id });
  },
  openNew,
  openSearch: (text) => navigate({ page: "search", text }),
  openList: (object, listViewId) => navigate({ page: "list", object, filter: listViewId }),
  openPath: (path) => navigate(path),
  knowsObject: (name) => objects.get().size === 0 || objects.get().has(name),
  origin: () => window.location.origin,
  viewInfo: currentView,
  async refreshView() {
    const shown = below.get();
    if (shown.page === "record") await refresh(shown.id);
    else refreshPages();
  },
  callCenterSettings: () => session().call_center?.settings ?? null,
  softphoneLayout: () => session().softphone_layout ?? {},
  panelVisible: () => panel.get().visible,
  initialized: () => initialized.set(true),
  changePanel,
  async search(text, wanted) {
    try {
      const { searchRecords } = await request<{ searchRecords: FoundRecord[] }>(
        `${REST}/parameterizedSearch`,
        {
          method: "POST",
          body: {
            q: text,
            in: "ALL",
            overallLimit: 200,
            sobjects: Object.entries(wanted).map(([name, fields]) => ({
              name,
              fields: [...new Set(["Id", "Name", "LastModifiedDate", ...fields])],
            })),
          },
        },
      );
      return searchRecords.map(({ attributes, ...row }) => ({ ...row, object: attributes.type }));
    } catch (error) {
      throw refused(error);
    }
  },
  async save(object, id, values) {
    try {
      if (id === null) {
        const created = await createRecord(object, values);
        return created.slice(0, REST_ID);
      }
      const known = object || objectOfId(id);
      if (known === null)
        throw new CtiFailure("INVALID_PARAM", "Id: the object of this record ID is not known.");
      await saveRecord(id, values);
      if (knownRecord(id) !== null) void refresh(id);
      return id;
    } catch (error) {
      throw error instanceof CtiFailure ? error : refused(error);
    }
  },
};
