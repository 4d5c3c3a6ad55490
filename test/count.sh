# How many tests a part's log tells of: each function prints "PASSED FAILED".
# Sourced by bash.
# shellcheck shell=bash

count_lines() {
	grep -cE "$2" "$1" || true
}

count_build() {
	echo "$(count_lines "$1" '^built: ') 0"
}

# pg_regress up to 15 says "test name ... ok", from 16 on it speaks TAP.
count_regress() {
	echo "$(count_lines "$1" '^(test .* \.\.\. ok|ok [0-9]+ )')" \
		"$(count_lines "$1" '^(test .* \.\.\. FAILED|not ok [0-9]+ )')"
}

count_isolation() {
	count_regress "$1"
}

# Each program says "name: N passed, N failed".
count_unit() {
	awk '/: [0-9]+ passed, [0-9]+ failed$/ { passed += $(NF - 3); failed += $(NF - 1) }
		END { print passed + 0, failed + 0 }' "$1"
}

# So does each fuzz target.
count_fuzz() {
	count_unit "$1"
}

# pytest's own report; a skipped test is one that did not pass.
count_pytest() {
	/usr/bin/python3 - "${1%.log}.xml" <<-'END'
		import sys
		import xml.etree.ElementTree as tree

		try:
		    suite = tree.parse(sys.argv[1]).getroot().find("testsuite").attrib
		except (OSError, tree.ParseError):
		    print("0 0")
		    sys.exit()
		total, bad = int(suite["tests"]), sum(int(suite[k]) for k in ("failures", "errors", "skipped"))
		print(max(total - bad, 0), bad)
	END
}

count_property() {
	count_pytest "$1"
}

count_citus() {
	count_pytest "$1"
}

count_http() {
	count_pytest "$1"
}

count_raw() {
	count_pytest "$1"
}

count_openapi() {
	count_pytest "$1"
}

count_web() {
	count_pytest "$1"
}

count_ops() {
	count_pytest "$1"
}
