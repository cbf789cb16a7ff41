# The two commands: `make run` and `make test`. Everything else is listed by `make help`.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := bash
# Where this is set (many container images do), every process would compile a thousand modules anew: 3 s for each.
unexport PYTHONDONTWRITEBYTECODE
PY := .venv/bin/python
WEB_SOURCES := $(shell find web/src web/scripts web/icons sfdx/force-app/main/default/lwc sfdx/force-app/main/default/aura -type f 2>/dev/null) $(wildcard web/*.html web/*.ts web/*.json)

.PHONY: help run org package test check setup reset generate format bench clean soak unit

help: ## show the targets
	@grep -hE '^[a-z]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 12

run: .setup/run web/dist/.built ## set up and start everything (Ctrl-C stops it)
	@exec $(PY) -m tieline demo

org: .setup/run ## start the embedded Salesforce-compatible org alone; see docs/guide/local-org.md
	@exec $(PY) -m tieline crm

test: .setup/dev web/dist/.built .setup/browser .setup/clients .setup/sf .setup/sfdx ## set up and pass all tests
	@scripts/test

check: .setup/dev .setup/npm .setup/sfdx ## format, lint, types, import arrows, generated files
	@scripts/check

setup: .setup/run web/dist/.built ## set up without starting anything

reset: .setup/run ## erase the demo's data; EMPTY=1: the next run starts with an org to set up by hand
	@$(PY) -m tieline reset $(if $(EMPTY),--empty)

package: .setup/run ## build the Salesforce package: ORIGIN=https://contact.example.com VANITY=https://acme.contact.example.com
	@$(PY) -m tieline package --origin "$(ORIGIN)" --vanity "$(VANITY)"

generate: .setup/dev .setup/npm ## write the contracts and the types generated from them
	@$(PY) scripts/contract.py && $(PY) scripts/coverage.py && $(PY) scripts/apex.py --write && cd web && node scripts/protocol.mjs

format: .setup/dev .setup/npm ## format all sources
	@.venv/bin/ruff format -q . && .venv/bin/ruff check -q --fix . && cd web && npm run --silent format

bench: .setup/dev web/dist/.built .setup/browser ## measure, and print figures and machine
	@$(PY) -m bench

soak: .setup/dev web/dist/.built .setup/browser ## long campaigns: the same properties with many more examples
	@cd web && SOAK=1 npm test --silent -- status_sync
	@HYPOTHESIS_PROFILE=soak .venv/bin/pytest tests/unit -n 2 -m "soak or not soak"
	@.venv/bin/pytest tests/faults -m "soak or not soak"
	@.venv/bin/pytest tests/journeys -m soak

clean: ## remove what setup and build made (not the demo's data)
	rm -rf .venv .setup build web/node_modules web/dist sfdx/node_modules

.setup/run: requirements.lock pyproject.toml scripts/setup
	@scripts/setup python

.setup/dev: .setup/run requirements-dev.lock
	@scripts/setup dev

.setup/npm: web/package-lock.json scripts/setup
	@scripts/setup npm

.setup/browser: scripts/setup
	@scripts/setup browser

.setup/clients: tests/clients/package-lock.json scripts/setup
	@scripts/setup clients

.setup/sf: tests/clients/sf/package-lock.json scripts/setup
	@scripts/setup sf

.setup/sfdx: sfdx/package-lock.json scripts/setup
	@scripts/setup sfdx

web/dist/.built: .setup/npm $(WEB_SOURCES)
	@scripts/setup build
