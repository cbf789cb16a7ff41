/**
 * The pages whose code is loaded when it is needed, or a little before.
 *
 * Not by `React.lazy`: a page that suspends, if only for a moment, is held back by React for 300 ms, which is longer
 * than everything else that opening a page takes.
 */
import { useEffect, useState, type ComponentType, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Button, EmptyState } from "../../ui/controls.tsx";
import type { Route } from "../router.ts";

interface LazyPage<Props> {
  Page: (props: Props) => ReactNode;
  preload: () => Promise<void>;
}

function lazyPage<Props extends object>(
  load: () => Promise<{ default: ComponentType<Props> }>,
): LazyPage<Props> {
  let loaded: ComponentType<Props> | null = null;
  const preload = async () => {
    loaded ??= (await load()).default;
  };
  function Page(props: Props): ReactNode {
    const [Loaded, setLoaded] = useState<ComponentType<Props> | null>(() => loaded);
    const [failed, setFailed] = useState(false);
    useEffect(() => {
      if (Loaded !== null) return;
      preload().then(
        () => setLoaded(() => loaded),
        () => setFailed(true),
      );
    }, [Loaded]);
    if (failed) return <Unloaded />;
    return Loaded === null ? null : <Loaded {...props} />;
  }
  return { Page, preload };
}

/** Code that does not come: the network is away, or the server has another release by now. */
function Unloaded(): ReactNode {
  const { t } = useTranslation();
  return (
    <div className="slds-card console-card">
      <EmptyState
        icon="utility:warning"
        heading
        title={t("page.failed")}
        action={<Button onClick={() => window.location.reload()}>{t("common.retry")}</Button>}
      >
        {t("problem.network")}
      </EmptyState>
    </div>
  );
}

const home = lazyPage(() => import("../pages/HomePage.tsx"));
const list = lazyPage(() => import("../pages/list/ListPage.tsx"));
const search = lazyPage(() => import("../pages/SearchPage.tsx"));
const split = lazyPage(() => import("./SplitView.tsx"));
const unknown = lazyPage(() => import("../pages/UnknownPage.tsx"));
const newDialog = lazyPage(() => import("../record/NewDialog.tsx"));
const related = lazyPage(() => import("../record/RelatedPage.tsx"));
const tab = lazyPage(() => import("../components/TabPage.tsx"));
const bin = lazyPage(() => import("../record/BinPage.tsx"));

const setup = lazyPage<{ node: string; rest: string[] }>(async () =>
  (await import("../setup/load.ts")).loadSetup(),
);

export const HomePage = home.Page;
export const ListPage = list.Page;
export const SearchPage = search.Page;
export const SplitView = split.Page;
export const UnknownPage = unknown.Page;
export const SetupPage = setup.Page;
export const NewDialog = newDialog.Page;
export const RelatedPage = related.Page;
export const BinPage = bin.Page;
export const TabPage = tab.Page;

/** Fetches the code of a route's page, to be there at its first drawing. */
export async function preloadPage(route: Route): Promise<void> {
  const needed = {
    home: [home],
    list: [list],
    search: [search],
    setup: [setup],
    unknown: [unknown],
    new: [list, newDialog],
    record: [],
    related: [related],
    bin: [bin],
    tab: [tab],
  };
  await Promise.all(needed[route.page].map((page) => page.preload()));
}

/** Fetches the code of the other pages while nobody waits for it. */
export function preloadRest(): void {
  for (const page of [list, newDialog, search, home, split]) void page.preload().catch(() => undefined);
}
