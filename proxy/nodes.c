/*
 * nodes.c - a relay for each node, a pair of connections, and two carriers on them, one for each way.
 */
#include "nodes.h"

#include <stdio.h>
#include <stdlib.h>

#include "board.h"
#include "carrier.h"
#include "db.h"
#include "log.h"
#include "relay.h"

#define SILENCE_LIMIT 30000		/* ms */

/* One end: a connection that hears of the stream there. */
struct end
{
	struct node *node;
	struct db  *db;
	struct carrier *outgoing;	/* takes events from here */
	bool		is_up;
	struct db_query listen;
};

struct node
{
	struct nodes *nodes;
	char		name[24];		/* for the log: its place in the setting */
	struct relay *relay;
	struct board_identity identity; /* nobody looks at it: the relay has no Redis */
	struct end	first;
	struct end	other;
	struct carrier inward;		/* to the first node */
	struct carrier outward;
};

struct nodes
{
	bool		leads;
	size_t		count;
	struct node node[];
};

static const char *const session_settings[] = {
	"tcp_keepalives_idle", "10",
	"tcp_keepalives_interval", "5",
	"tcp_keepalives_count", "3",
	"statement_timeout", "25000",
	NULL
};

/* Carriers work while this process leads, and both ends are there. */
static void
settle(struct node *node)
{
	bool		leads = node->nodes->leads;
	bool		works = leads && node->first.is_up && node->other.is_up;

	carrier_work(&node->inward, works, leads);
	carrier_work(&node->outward, works, leads);
}

static void
listening(struct db_query *query, struct db_result *result)
{
	const struct end *end = query->arg;

	if (db_result_outcome(result) == DB_ERROR)
		log_event(LEVEL_ERROR, "carrier_refused", "node", end->node->name, "sqlstate", db_error_sqlstate(result),
				  "error", db_error_message(result), NULL);
}

static void
end_up(void *arg)
{
	struct end *end = arg;

	end->listen = (struct db_query) {.sql = "LISTEN timetrackr_events", .done = listening, .arg = end};
	end->is_up = db_send(end->db, &end->listen);
	settle(end->node);
}

static void
end_down(void *arg, const char *why)
{
	struct end *end = arg;

	(void) why;
	end->is_up = false;
	settle(end->node);
}

static void
end_notified(void *arg, const char *channel, const char *payload)
{
	const struct end *end = arg;

	(void) channel;
	(void) payload;
	carrier_hear(end->outgoing);
}

static bool
open_end(struct end *end, struct node *node, struct loop *loop, const char *url, struct carrier *outgoing)
{
	struct db_options options = {
		.url = url, .name = "timetrackr carrier", .settings = session_settings, .silence_limit = SILENCE_LIMIT,
		.up = end_up, .down = end_down, .notified = end_notified, .arg = end
	};

	*end = (struct end) {.node = node, .outgoing = outgoing};
	end->db = db_open(loop, &options);
	return end->db != NULL;
}

static bool
open_node(struct node *node, struct loop *loop, const struct config *config, const char *url,
		  struct relay_metrics *metrics, struct sentry *sentry)
{
	struct relay_options options = {
		.config = config, .url = url, .node = node->name, .identity = &node->identity, .metrics = metrics, .sentry = sentry,
	};

	if (!open_end(&node->first, node, loop, config->database_url, &node->outward) ||
		!open_end(&node->other, node, loop, url, &node->inward))
		return false;
	node->inward = (struct carrier) {
		.loop = loop, .source = node->other.db, .target = node->first.db, .name = node->name,
		.stuck = &metrics->inward_stuck
	};
	node->outward = (struct carrier) {
		.loop = loop, .source = node->first.db, .target = node->other.db, .name = node->name,
		.stuck = &metrics->outward_stuck
	};
	node->relay = relay_open(loop, &options);
	return node->relay != NULL;
}

struct nodes *
nodes_open(struct loop *loop, const struct config *config, struct relay_metrics *metrics, struct sentry *sentry)
{
	struct nodes *nodes = calloc(1, sizeof *nodes + config->event_url_count * sizeof nodes->node[0]);

	if (nodes == NULL)
		return NULL;
	for (size_t i = 0; i < config->event_url_count; i++)
	{
		struct node *node = &nodes->node[i];

		node->nodes = nodes;
		snprintf(node->name, sizeof node->name, "%zu", i + 1);
		nodes->count++;
		if (!open_node(node, loop, config, config->event_urls[i], &metrics[i], sentry))
		{
			nodes_close(nodes);
			return NULL;
		}
	}
	return nodes;
}

void
nodes_lead(void *arg, bool leads)
{
	struct nodes *nodes = arg;

	nodes->leads = leads;
	for (size_t i = 0; i < nodes->count; i++)
		settle(&nodes->node[i]);
}

static void
close_node(struct node *node)
{
	relay_close(node->relay);
	carrier_stop(&node->inward);
	carrier_stop(&node->outward);
	db_close(node->first.db);
	db_close(node->other.db);
}

void
nodes_close(struct nodes *nodes)
{
	if (nodes == NULL)
		return;
	nodes->leads = false;
	for (size_t i = 0; i < nodes->count; i++)
		close_node(&nodes->node[i]);
	free(nodes);
}
