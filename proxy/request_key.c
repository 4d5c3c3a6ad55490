/*
 * request_key.c - requests with an Idempotency-Key: they may be sent twice and have their effect once.
 */
#include "request_state.h"

#include "idempotency.h"

bool
request_note_key(struct request *request)
{
	const struct catalog_route *route = request->admission.route;
	const char **value = &request->values.value[route->param_count];
	bool		out_of_memory = false;

	if (request->head.idempotency_key == NULL || route->once.sql == NULL)
		return true;
	value[0] = idempotency_read_key(request->head.idempotency_key, &request->arena, &out_of_memory);
	if (value[0] == NULL && !out_of_memory)
	{
		problem_set(&request->problem, 400, "invalid_idempotency_key",
					"An Idempotency-Key is 1 to 255 visible ASCII characters, best in quotes.");
		return false;
	}
	value[1] = idempotency_fingerprint(request->head.target, request->body.data, request->body.length,
									   &request->arena);
	request->has_key = value[0] != NULL && value[1] != NULL;
	if (!request->has_key)
		problem_set(&request->problem, 503, "out_of_memory", "The server is out of memory.");
	return request->has_key;
}
