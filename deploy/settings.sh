# The settings of one `make up`: from its environment, else what an earlier
# `make up` was given since the last `make down`, else the checkout's .env,
# else the default. Sourced by bash, after rundir.sh.
# shellcheck shell=bash

# What the proxy is told when somebody set it. DATABASE_URL and REDIS_URL name
# the private servers and are set apart.
PROXY_SETTINGS=(API_DOCS_ROOT DATABASE_READ_URL EVENT_DATABASE_URLS JWT_SECRET JWT_SECRET_PREVIOUS
	JWT_PUBLIC_KEY_FILE JWT_ISSUER JWT_AUDIENCE ACCESS_TOKEN_TTL REFRESH_TOKEN_TTL EVENT_TTL
	HOST PORT FRONTEND_URL WORKERS RATE_LIMIT_PER_MINUTE
	AUTH_RATE_LIMIT_PER_MINUTE CACHE_BYTES CONNECTIONS_PER_ADDRESS LIVE_CONNECTIONS LIVE_CONNECTIONS_PER_USER
	LIVE_PING_SECONDS TRUST_PROXY TLS_CERT TLS_KEY MAX_BODY_BYTES MAX_IMPORT_BYTES
	LOG_LEVEL METRICS_LISTEN SLOW_QUERY_MS CLOUDINARY_CLOUD_NAME CLOUDINARY_API_KEY CLOUDINARY_API_SECRET
	MAIL_FROM PASSWORD_RESET_URL PUBLIC_URL SMTP_CA_FILE SMTP_URL WEBHOOKS_ALLOW_PRIVATE
	CLOUDINARY_NOTIFICATION_URL CLOUDINARY_SIGNATURE_ALGORITHM BADGES_ROOT
	READ_WAIT_MS REDIS_CHECK_RATE SENTRY_DSN SENTRY_ENVIRONMENT WEB_ROOT WRITE_BATCH)

# What only these scripts read. REDIS_URL counts when it is set and empty: no
# Redis.
OWN_SETTINGS=(PGPORT REDIS_PORT REDIS_URL DEMO)

declare -A SETTING=()

# The value of a setting, else the default given.
setting() {
	printf '%s' "${SETTING[$1]:-${2:-}}"
}

known_setting() {
	[[ " ${PROXY_SETTINGS[*]} ${OWN_SETTINGS[*]} " = *" $1 "* ]]
}

# Read NAME=value lines into SETTING, as the proxy reads its .env: `export`,
# blanks and quotes around the value are dropped, nothing is expanded.
read_settings() {
	local line name value
	[ -r "$1" ] || return 0
	while IFS= read -r line || [ -n "$line" ]; do
		[[ $line =~ ^[[:space:]]*(export[[:space:]]+)?([A-Z_]+)[[:space:]]*=[[:space:]]*(.*[^[:space:]])?[[:space:]]*$ ]] ||
			continue
		name=${BASH_REMATCH[2]} value=${BASH_REMATCH[3]}
		if [[ $value =~ ^\"(.*)\"$ || $value =~ ^\'(.*)\'$ ]]; then
			value=${BASH_REMATCH[1]}
		fi
		! known_setting "$name" || SETTING[$name]=$value
	done <"$1"
}

# Fill SETTING, and remember what came from the environment, now or before:
# not before it was looked at, or a slip would have to be mended by hand.
load_settings() {
	local name remembered=$RUN/settings
	SETTING=()
	read_settings "$remembered"
	for name in "${PROXY_SETTINGS[@]}" "${OWN_SETTINGS[@]}"; do
		[ -z "${!name+set}" ] || SETTING[$name]=${!name}
	done
	(
		umask 077
		for name in "${!SETTING[@]}"; do
			printf '%s=%s\n' "$name" "${SETTING[$name]}"
		done | sort >"$remembered.new"
	)

	SETTING=()
	read_settings "$TOP/.env"
	read_settings "$remembered.new"
	[[ $(setting HOST) != unix:* ]] ||
		fail "HOST=$(setting HOST): make up asks its proxy over TCP; give it an address"
	check_port PORT "$(setting PORT 3000)"
	check_port PGPORT "$(setting PGPORT 15432)"
	check_port REDIS_PORT "$(setting REDIS_PORT 16379)"
	mv "$remembered.new" "$remembered"
}

check_port() {
	[[ $2 =~ ^[1-9][0-9]{0,4}$ && $2 -le 65535 ]] ||
		fail "$1=$2 is no port: give a number from 1 to 65535"
}

# Stop when the port that a server of ours is about to take is somebody else's.
need_port() {
	! port_taken "$2" ||
		fail "port $2 is taken by another program: end it, or run make up with another $1=..."
}
