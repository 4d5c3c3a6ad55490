/*
 * request_media.c - requests about pictures: which of them the proxy itself has
 * to look at, since the secret that Cloudinary signs with is known here alone.
 */
#include "request_state.h"

#include <string.h>
#include <time.h>

#include "cloudinary.h"
#include "image.h"

static bool
refuse(struct request *request, int status, const char *code, const char *detail)
{
	problem_set(&request->problem, status, code, detail);
	return false;
}

bool
request_brings_image(const struct request *request)
{
	return request->admission.route->takes_image && image_type(request->head.content_type) != NULL;
}

/* Are public_id and version, which were checked to be there, signed? */
static bool
is_answer(const struct request *request, const struct cloudinary *cloudinary)
{
	const struct catalog_route *route = request->admission.route;

	return cloudinary_answered(cloudinary, catalog_value(route, &request->values, "public_id"),
							   catalog_value(route, &request->values, "version"),
							   catalog_value(route, &request->values, "signature"));
}

static bool
is_notification(const struct request *request, const struct cloudinary *cloudinary)
{
	return cloudinary_notified(cloudinary, request->body.data, request->body.length,
							   request->head.cld_timestamp, request->head.cld_signature, time(NULL));
}

bool
request_check_upload(struct request *request)
{
	const struct catalog_route *route = request->admission.route;
	const struct cloudinary *cloudinary = &request->service->config->cloudinary;

	if (!route->uses_cloudinary || request_brings_image(request))
		return true;
	if (cloudinary->cloud_name == NULL)
		return refuse(request, 501, "not_configured", "This service does not use Cloudinary: send the picture itself.");
	if (route->takes_image && !is_answer(request, cloudinary))
		return refuse(request, 403, "bad_signature", "This is not what Cloudinary answered.");
	if (route->takes_notification && !is_notification(request, cloudinary))
		return refuse(request, 403, "bad_signature", "This is not what Cloudinary sent, or it is too old.");
	return true;
}
