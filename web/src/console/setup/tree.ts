/**
 * The tree of Set-up as Lightning Experience has it, and quick find over it.
 *
 * Pages carry Salesforce's own names in their addresses. Quick find also knows the words that set-up articles use
 * (`tree.words.<page>`), however blanks, width and case are written.
 */

export interface SetupGroup {
  key: string;
  children: (SetupGroup | string)[];
  /** The page that opens with the group: articles that stop at the group mean this page. */
  page?: string;
  /** A group that opens together with the one above it. */
  open?: boolean;
}

export const TREE: SetupGroup[] = [
  {
    key: "administration",
    children: [{ key: "users", children: ["PermSets", "Profiles", "Roles", "ManageUsers"] }],
  },
  {
    key: "platform",
    children: [
      {
        key: "apps",
        children: [
          "NavigationMenus",
          { key: "connected", children: ["ConnectedAppsUsage"] },
          { key: "external", children: ["ManageExternalClientApplication"] },
          { key: "packaging", children: ["ImportedPackage"] },
        ],
      },
      {
        key: "features",
        children: [
          {
            key: "service",
            open: true,
            children: [
              { key: "callCenter", page: "CallCenters", children: ["CallCenters", "SoftphoneLayouts"] },
              {
                key: "omni",
                children: [
                  "OmniChannelSettings",
                  "ServicePresenceStatuses",
                  "PresenceUserConfigs",
                  "ServiceChannels",
                ],
              },
            ],
          },
        ],
      },
      { key: "objects", children: ["ObjectManager"] },
    ],
  },
  {
    key: "settings",
    children: [
      { key: "company", children: ["CompanyProfileInfo"] },
      { key: "identity", children: ["LoginHistory"] },
      { key: "security", children: ["SecurityEvents"] },
    ],
  },
];

/** Every page with the groups it stands in, in the order of the tree. */
export const PAGES: ReadonlyMap<string, string[]> = new Map(pagesOf(TREE, []));

function pagesOf(children: (SetupGroup | string)[], above: string[]): [string, string[]][] {
  return children.flatMap((each) =>
    typeof each === "string"
      ? [[each, above] as [string, string[]]]
      : pagesOf(each.children, [...above, each.key]),
  );
}

/** A text as quick find compares it: width, case and blanks do not count. */
export const folded = (text: string): string =>
  text
    .normalize("NFKC")
    .toLowerCase()
    .replace(/[\s・、,>→]+/gu, "");

export interface Wording {
  page: (key: string) => string;
  group: (key: string) => string;
  /** Other words for a page, separated by semicolons. */
  more: (key: string) => string;
}

/** The pages whose name, other words or path hold the text; all of them for an empty text. */
export function quickFind(text: string, words: Wording): string[] {
  const wanted = folded(text);
  return [...PAGES].flatMap(([page, groups]) => {
    const path = [...groups.map((group) => words.group(group)), words.page(page)];
    const texts = [words.page(page), ...words.more(page).split(";"), path.join(""), path.slice(-2).join("")];
    return texts.some((each) => folded(each).includes(wanted)) ? [page] : [];
  });
}

/** What is left of the tree when only these pages are in it. */
export function pruned(
  children: (SetupGroup | string)[],
  pages: ReadonlySet<string>,
): (SetupGroup | string)[] {
  return children.flatMap((each): (SetupGroup | string)[] => {
    if (typeof each === "string") return pages.has(each) ? [each] : [];
    const kept = pruned(each.children, pages);
    return kept.length === 0 ? [] : [{ ...each, children: kept }];
  });
}

/** What a page gets: the parts of its address behind its name. */
export interface PageProps {
  rest: string[];
}
