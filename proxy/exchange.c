/*
 * exchange.c - a request on a connection.
 */
#include "exchange.h"

#include <stdlib.h>
#include <string.h>

#define TARGET_MAX 4096

static bool
client_is_there(void *arg)
{
	const struct exchange *exchange = arg;

	return connection_is_there(exchange->connection);
}

struct exchange *
exchange_create(struct exchange **list, struct connection *connection, const char *target,
				void (*answered) (void *exchange))
{
	size_t		length = strlen(target);
	struct exchange *exchange = calloc(1, sizeof *exchange + length + 1);
	struct request_client client = {answered, client_is_there, exchange};

	if (exchange == NULL)
		return NULL;
	exchange->connection = connection;
	exchange->place = target;
	memcpy(exchange->target, target, length + 1);
	exchange->request = request_create(connection->service, &client);
	if (exchange->request == NULL)
	{
		free(exchange);
		return NULL;
	}
	request_note_client(exchange->request, exchange->target, connection->peer);
	connection->request = exchange->request;
	exchange->next = *list;
	if (exchange->next != NULL)
		exchange->next->previous = exchange;
	*list = exchange;
	connection_enter(connection, CONNECTION_HEAD);
	return exchange;
}

void
exchange_free(struct exchange **list, struct exchange *exchange)
{
	if (exchange->previous != NULL)
		exchange->previous->next = exchange->next;
	else
		*list = exchange->next;
	if (exchange->next != NULL)
		exchange->next->previous = exchange->previous;
	exchange->connection->request = NULL;
	connection_enter(exchange->connection, CONNECTION_IDLE);
	request_release(exchange->request);
	free(exchange);
}

/* Find out who the client is. */
static void
find_client(struct exchange *exchange, struct request_head *head)
{
	const struct connection *connection = exchange->connection;
	const struct trusted_proxies *trusted = &connection->service->config->trusted_proxies;
	struct client_address client;

	head->peer = connection->peer;
	head->group = connection->group;
	if (head->forwarded.count == 0 || !trusted_proxies_has(trusted, &connection->address))
		return;
	client_address_find(&client, trusted, &connection->address, &head->forwarded);
	client_address_write(&client, exchange->peer);
	client_address_write_group(&client, exchange->group);
	head->peer = exchange->peer;
	head->group = exchange->group;
}

/*
 * Nothing but a refusal may be answered before the body was read. Behind a body
 * in chunks nothing is read any more: where a chunk ends is told too leniently by the
 * parser, so somebody in front might take for a part of it what we took for the next request.
 */
bool
exchange_begin(struct exchange *exchange, struct head *head)
{
	struct connection *connection = exchange->connection;
	struct request *request = exchange->request;

	find_client(exchange, &head->request);
	exchange->phase = EXCHANGE_BODY;
	connection_enter(connection, CONNECTION_BODY);
	request_note(request, &head->request);
	if (strlen(exchange->target) > TARGET_MAX)
		request_refuse(request, 414, "target_too_long", "The request target is too long.");
	else if (head->fault != NULL)
		request_refuse(request, head->status, head_fault_code(head), head->fault);
	else if (request_begin(request, &head->request))
	{
		connection->ends = head->is_chunked;
		/* a client that waits for leave to send its body gets the answer instead */
		if (!head->expects_continue || !request_is_refused(request))
			return true;
		(void) request_run(request);	/* answers at once, as it is refused */
	}
	else if (!head->expects_continue && head->request.content_length <= CONNECTION_DROP_MAX)
		return true;
	connection->ends = true;
	return false;
}

bool
exchange_is_last(const struct exchange *exchange)
{
	return exchange->connection->ends || request_answer(exchange->request)->closes;
}

bool
exchange_abandon(struct exchange *exchange)
{
	if (exchange->phase != EXCHANGE_HELD && exchange->phase != EXCHANGE_PARKED)
		return false;
	if (request_streams(exchange->request))
		request_stop_stream(exchange->request);
	else
		request_refuse(exchange->request, 503, "shutting_down", "The server is shutting down.");
	return true;
}
