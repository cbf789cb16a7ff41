/** Target of every bundle: the browsers of the last two years, which is what Lightning Experience asks for. */
export const BROWSERS = ["chrome120", "firefox121", "safari17"];
