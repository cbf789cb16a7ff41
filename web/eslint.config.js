import hooks from "eslint-plugin-react-hooks";
import tseslint from "typescript-eslint";

/** Which way imports point: ui <- callbar | admin | console | phone -> data -> protocol; opencti stands alone. */
const areas = ["admin", "callbar", "console", "phone", "portal"];
const arrows = (files, forbidden, message) => ({
  files,
  rules: {
    "no-restricted-imports": [
      "error",
      { patterns: [{ group: forbidden.map((area) => `**/${area}/**`), message }] },
    ],
  },
});

export default tseslint.config(
  { ignores: ["dist/", "node_modules/", "src/protocol/"] },
  {
    files: ["src/**/*.{ts,tsx}", "vite.config.ts"],
    extends: [...tseslint.configs.recommendedTypeChecked],
    plugins: { "react-hooks": hooks },
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      "react-hooks/rules-of-hooks": "error",
      "react-hooks/exhaustive-deps": "error",
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/no-misused-promises": ["error", { checksVoidReturn: { attributes: false } }],
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
      eqeqeq: ["error", "always", { null: "ignore" }],
      "no-console": "error",
    },
  },
  arrows(["src/ui/**"], [...areas, "data", "opencti", "hosts", "protocol"], "ui knows no other area"),
  arrows(["src/opencti/**"], [...areas, "data", "ui", "hosts", "protocol"], "opencti stands alone"),
  arrows(["src/data/**"], [...areas, "ui", "hosts", "opencti"], "data knows only protocol"),
  ...areas.map((area) =>
    arrows(
      [`src/${area}/**`],
      areas.filter((other) => other !== area),
      "areas do not know each other",
    ),
  ),
);
