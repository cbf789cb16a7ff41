/**
 * The pages whose code is loaded when it is needed, or a little before.
 *
 * Code that is already here is drawn at once: a page that suspends, if only for a moment, is held back by
 * React for 300 ms, which is longer than everything else a screen pop takes.
 */
import { lazy, useState, type ComponentType, type ReactNode } from "react";
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
    const module = await load();
    loaded = module.default;
    return module;
  };
  const Later = lazy(preload) as unknown as ComponentType<Props>;
  function Page(props: Props): ReactNode {
    // Chosen once, so that a page does not begin anew when its code arrives otherwise.
    const [Chosen] = useState<ComponentType<Props>>(() => loaded ?? Later);
    return <Chosen {...props} />;
  }
  return { Page, preload: () => preload().then(() => undefined) };
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
  for (const page of [newDialog, search, list, home, split]) void page.preload().catch(() => undefined);
}
