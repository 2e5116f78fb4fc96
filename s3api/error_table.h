/* SPDX-License-Identifier: Apache-2.0 */
/*
 * error_table.h - the table behind error.h: name, code, HTTP status, sentence
 * (S3 API: Error responses).  Codes of object storage, also those that other
 * servers coined and clients know (QuotaExceeded).
 */
#pragma once

/* clang-format off */
#define S3_ERRORS(X) \
	X(ACCESS_DENIED, "AccessDenied", 403, \
		"Access Denied") \
	X(ACCESS_FORBIDDEN, "AccessForbidden", 403, \
		"Access Forbidden") \
	X(ACCOUNT_PROBLEM, "AccountProblem", 403, \
		"There is a problem with your account that prevents the operation from completing successfully.") \
	X(ALL_ACCESS_DISABLED, "AllAccessDisabled", 403, \
		"All access to this resource has been disabled.") \
	X(AMBIGUOUS_GRANT, "AmbiguousGrantByEmailAddress", 400, \
		"The email address you provided is associated with more than one account.") \
	X(AUTHORIZATION_HEADER_MALFORMED, "AuthorizationHeaderMalformed", 400, \
		"The authorization header that you provided is not valid.") \
	X(AUTHORIZATION_QUERY_PARAMETERS, "AuthorizationQueryParametersError", 400, \
		"The authorization query parameters that you provided are not valid.") \
	X(BAD_DIGEST, "BadDigest", 400, \
		"The Content-MD5 you specified did not match what we received.") \
	X(BAD_REQUEST, "BadRequest", 400, \
		"Bad Request") \
	X(BUCKET_ALREADY_EXISTS, "BucketAlreadyExists", 409, \
		"The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.") \
	X(BUCKET_ALREADY_OWNED, "BucketAlreadyOwnedByYou", 409, \
		"Your previous request to create the named bucket succeeded and you already own it.") \
	X(BUCKET_NOT_EMPTY, "BucketNotEmpty", 409, \
		"The bucket you tried to delete is not empty.") \
	X(CONDITIONAL_REQUEST_CONFLICT, "ConditionalRequestConflict", 409, \
		"The conditional request cannot succeed due to a conflicting operation against this resource.") \
	X(CREDENTIALS_NOT_SUPPORTED, "CredentialsNotSupported", 400, \
		"This request does not support credentials.") \
	X(CROSS_LOCATION_LOGGING, "CrossLocationLoggingProhibited", 403, \
		"Cross-location logging is not allowed.") \
	X(ENTITY_TOO_LARGE, "EntityTooLarge", 400, \
		"Your proposed upload exceeds the maximum allowed object size.") \
	X(ENTITY_TOO_SMALL, "EntityTooSmall", 400, \
		"Your proposed upload is smaller than the minimum allowed object size.") \
	X(EXPIRED_TOKEN, "ExpiredToken", 400, \
		"The provided token has expired.") \
	X(IDEMPOTENCY_PARAMETER_MISMATCH, "IdempotencyParameterMismatch", 400, \
		"Parameters on this idempotent request are inconsistent with parameters used in previous requests.") \
	X(ILLEGAL_LOCATION_CONSTRAINT, "IllegalLocationConstraintException", 400, \
		"The specified location constraint is incompatible for the region specific endpoint this request was sent to.") \
	X(ILLEGAL_VERSIONING, "IllegalVersioningConfigurationException", 400, \
		"The versioning configuration specified in the request is invalid.") \
	X(INCOMPLETE_BODY, "IncompleteBody", 400, \
		"You did not provide the number of bytes specified by the Content-Length HTTP header.") \
	X(INCORRECT_NUMBER_OF_FILES, "IncorrectNumberOfFilesInPostRequest", 400, \
		"POST requires exactly one file upload per request.") \
	X(INLINE_DATA_TOO_LARGE, "InlineDataTooLarge", 400, \
		"Inline data exceeds the maximum allowed size.") \
	X(INTERNAL_ERROR, "InternalError", 500, \
		"We encountered an internal error. Please try again.") \
	X(INVALID_ACCESS_KEY_ID, "InvalidAccessKeyId", 403, \
		"The AWS Access Key Id you provided does not exist in our records.") \
	X(INVALID_ADDRESSING_HEADER, "InvalidAddressingHeader", 400, \
		"You must specify the Anonymous role.") \
	X(INVALID_ARGUMENT, "InvalidArgument", 400, \
		"Invalid Argument") \
	X(INVALID_BUCKET_ACL_WITH_OWNERSHIP, "InvalidBucketAclWithObjectOwnership", 400, \
		"Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting") \
	X(INVALID_BUCKET_NAME, "InvalidBucketName", 400, \
		"The specified bucket is not valid.") \
	X(INVALID_BUCKET_STATE, "InvalidBucketState", 409, \
		"The request is not valid with the current state of the bucket.") \
	X(INVALID_DIGEST, "InvalidDigest", 400, \
		"The Content-MD5 you specified was invalid.") \
	X(INVALID_ENCRYPTION_ALGORITHM, "InvalidEncryptionAlgorithmError", 400, \
		"The encryption request you specified is not valid. The valid value is AES256.") \
	X(INVALID_HOST_HEADER, "InvalidHostHeader", 400, \
		"The host headers provided in the request used the incorrect style addressing.") \
	X(INVALID_LOCATION_CONSTRAINT, "InvalidLocationConstraint", 400, \
		"The specified location constraint is not valid.") \
	X(INVALID_OBJECT_STATE, "InvalidObjectState", 403, \
		"The operation is not valid for the current state of the object.") \
	X(INVALID_PART, "InvalidPart", 400, \
		"One or more of the specified parts could not be found. The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.") \
	X(INVALID_PART_NUMBER, "InvalidPartNumber", 416, \
		"The requested partnumber is not satisfiable") \
	X(INVALID_PART_ORDER, "InvalidPartOrder", 400, \
		"The list of parts was not in ascending order. Parts must be ordered by part number.") \
	X(INVALID_PAYER, "InvalidPayer", 403, \
		"All access to this object has been disabled.") \
	X(INVALID_POLICY_DOCUMENT, "InvalidPolicyDocument", 400, \
		"The content of the form does not meet the conditions specified in the policy document.") \
	X(INVALID_RANGE, "InvalidRange", 416, \
		"The requested range is not satisfiable") \
	X(INVALID_REDIRECT, "InvalidRedirectLocation", 400, \
		"The website redirect location must have a prefix of 'http://' or 'https://' or '/'.") \
	X(INVALID_REQUEST, "InvalidRequest", 400, \
		"Invalid Request") \
	X(INVALID_RETENTION_PERIOD, "InvalidRetentionPeriod", 400, \
		"The retention period must be a positive integer value.") \
	X(INVALID_SECURITY, "InvalidSecurity", 403, \
		"The provided security credentials are not valid.") \
	X(INVALID_STORAGE_CLASS, "InvalidStorageClass", 400, \
		"The storage class you specified is not valid.") \
	X(INVALID_TAG, "InvalidTag", 400, \
		"The tag provided was not a valid tag. This error can occur if the tag did not pass input validation.") \
	X(INVALID_TARGET_BUCKET, "InvalidTargetBucketForLogging", 400, \
		"The target bucket for logging does not exist, is not owned by you, or does not have the appropriate grants for the log-delivery group.") \
	X(INVALID_TOKEN, "InvalidToken", 400, \
		"The provided token is malformed or otherwise invalid.") \
	X(INVALID_URI, "InvalidURI", 400, \
		"Couldn't parse the specified URI.") \
	X(KEY_TOO_LONG, "KeyTooLongError", 400, \
		"Your key is too long") \
	X(MALFORMED_ACL, "MalformedACLError", 400, \
		"The XML you provided was not well-formed or did not validate against our published schema") \
	X(MALFORMED_POLICY, "MalformedPolicy", 400, \
		"Policy has invalid resource") \
	X(MALFORMED_POST_REQUEST, "MalformedPOSTRequest", 400, \
		"The body of your POST request is not well-formed multipart/form-data.") \
	X(MALFORMED_TRAILER, "MalformedTrailerError", 400, \
		"The request contained trailing data that was not well-formed or did not conform to our published schema.") \
	X(MALFORMED_XML, "MalformedXML", 400, \
		"The XML you provided was not well-formed or did not validate against our published schema") \
	X(MAX_MESSAGE_LENGTH, "MaxMessageLengthExceeded", 400, \
		"Your request was too big.") \
	X(MAX_POST_PRE_DATA_LENGTH, "MaxPostPreDataLengthExceededError", 400, \
		"Your POST request fields preceding the upload file were too large.") \
	X(METADATA_TOO_LARGE, "MetadataTooLarge", 400, \
		"Your metadata headers exceed the maximum allowed metadata size") \
	X(METHOD_NOT_ALLOWED, "MethodNotAllowed", 405, \
		"The specified method is not allowed against this resource.") \
	X(MISSING_CONTENT_LENGTH, "MissingContentLength", 411, \
		"You must provide the Content-Length HTTP header.") \
	X(MISSING_REQUEST_BODY, "MissingRequestBodyError", 400, \
		"Request body is empty.") \
	X(MISSING_SECURITY_HEADER, "MissingSecurityHeader", 400, \
		"Your request was missing a required header.") \
	X(NO_LOGGING_STATUS, "NoLoggingStatusForKey", 400, \
		"There is no such thing as a logging status subresource for a key.") \
	X(NO_SUCH_ACCESS_POINT, "NoSuchAccessPoint", 404, \
		"The specified access point does not exist.") \
	X(NO_SUCH_BUCKET, "NoSuchBucket", 404, \
		"The specified bucket does not exist") \
	X(NO_SUCH_BUCKET_POLICY, "NoSuchBucketPolicy", 404, \
		"The bucket policy does not exist") \
	X(NO_SUCH_CONFIGURATION, "NoSuchConfiguration", 404, \
		"The specified configuration does not exist.") \
	X(NO_SUCH_CORS, "NoSuchCORSConfiguration", 404, \
		"The CORS configuration does not exist") \
	X(NO_SUCH_ENCRYPTION, "ServerSideEncryptionConfigurationNotFoundError", 404, \
		"The server side encryption configuration was not found") \
	X(NO_SUCH_KEY, "NoSuchKey", 404, \
		"The specified key does not exist.") \
	X(NO_SUCH_LIFECYCLE, "NoSuchLifecycleConfiguration", 404, \
		"The lifecycle configuration does not exist") \
	X(NO_SUCH_OBJECT_LOCK, "NoSuchObjectLockConfiguration", 404, \
		"The specified object does not have a ObjectLock configuration") \
	X(NO_SUCH_OBJECT_LOCK_OF_BUCKET, "ObjectLockConfigurationNotFoundError", 404, \
		"Object Lock configuration does not exist for this bucket") \
	X(NO_SUCH_OWNERSHIP_CONTROLS, "OwnershipControlsNotFoundError", 404, \
		"The bucket ownership controls were not found") \
	X(NO_SUCH_PUBLIC_ACCESS_BLOCK, "NoSuchPublicAccessBlockConfiguration", 404, \
		"The public access block configuration was not found") \
	X(NO_SUCH_REPLICATION, "ReplicationConfigurationNotFoundError", 404, \
		"The replication configuration was not found") \
	X(NO_SUCH_TAG_SET, "NoSuchTagSet", 404, \
		"The TagSet does not exist") \
	X(NO_SUCH_TORRENT, "NoSuchTorrent", 404, \
		"The specified torrent does not exist.") \
	X(NO_SUCH_UPLOAD, "NoSuchUpload", 404, \
		"The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.") \
	X(NO_SUCH_VERSION, "NoSuchVersion", 404, \
		"The specified version does not exist.") \
	X(NO_SUCH_WEBSITE, "NoSuchWebsiteConfiguration", 404, \
		"The specified bucket does not have a website configuration") \
	X(NOT_IMPLEMENTED, "NotImplemented", 501, \
		"A header you provided implies functionality that is not implemented") \
	X(NOT_MODIFIED, "NotModified", 304, \
		"Not Modified") \
	X(NOT_SIGNED_UP, "NotSignedUp", 403, \
		"Your account is not signed up for the service.") \
	X(OBJECT_ALREADY_IN_ACTIVE_TIER, "ObjectAlreadyInActiveTierError", 403, \
		"This object is already in the active tier.") \
	X(OBJECT_NOT_APPENDABLE, "ObjectNotAppendable", 409, \
		"The object is not appendable.") \
	X(OPERATION_ABORTED, "OperationAborted", 409, \
		"A conflicting conditional operation is currently in progress against this resource. Please try again.") \
	X(PERMANENT_REDIRECT, "PermanentRedirect", 301, \
		"The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint.") \
	X(POLICY_TOO_LARGE, "PolicyTooLarge", 400, \
		"Policies must not exceed 20 KB.") \
	X(PRECONDITION_FAILED, "PreconditionFailed", 412, \
		"At least one of the pre-conditions you specified did not hold") \
	X(QUOTA_EXCEEDED, "QuotaExceeded", 403, \
		"The quota of the bucket or of its owner is exceeded.") \
	X(REQUEST_HEADER_TOO_LARGE, "RequestHeaderSectionTooLarge", 400, \
		"Your request header section exceeds the maximum allowed request header section size.") \
	X(REQUEST_IS_NOT_MULTIPART, "RequestIsNotMultiPartContent", 412, \
		"Bucket POST must be of the enclosure-type multipart/form-data.") \
	X(REQUEST_TIMEOUT, "RequestTimeout", 400, \
		"Your socket connection to the server was not read from or written to within the timeout period.") \
	X(REQUEST_TIME_TOO_SKEWED, "RequestTimeTooSkewed", 403, \
		"The difference between the request time and the current time is too large.") \
	X(RESTORE_ALREADY_IN_PROGRESS, "RestoreAlreadyInProgress", 409, \
		"Object restore is already in progress.") \
	X(SERVICE_UNAVAILABLE, "ServiceUnavailable", 503, \
		"Service is unable to handle request.") \
	X(SIGNATURE_DOES_NOT_MATCH, "SignatureDoesNotMatch", 403, \
		"The request signature we calculated does not match the signature you provided. Check your key and signing method.") \
	X(SLOW_DOWN, "SlowDown", 503, \
		"Please reduce your request rate.") \
	X(STORAGE_FULL, "StorageFull", 507, \
		"The storage has no space left. Delete something, or add space, and try again.") \
	X(TEMPORARY_REDIRECT, "TemporaryRedirect", 307, \
		"Please re-send this request to the specified temporary endpoint. Continue to use the original request endpoint for future requests.") \
	X(TOKEN_REFRESH_REQUIRED, "TokenRefreshRequired", 400, \
		"The provided token must be refreshed.") \
	X(TOO_MANY_BUCKETS, "TooManyBuckets", 400, \
		"You have attempted to create more buckets than allowed.") \
	X(TOO_MANY_PARTS, "TooManyParts", 400, \
		"You have attempted to create more parts than allowed.") \
	X(UNEXPECTED_CONTENT, "UnexpectedContent", 400, \
		"This request contains unsupported content.") \
	X(UNRESOLVABLE_GRANT, "UnresolvableGrantByEmailAddress", 400, \
		"The email address you provided does not match any account on record.") \
	X(UNSUPPORTED_ACL, "AccessControlListNotSupported", 400, \
		"The bucket does not allow ACLs") \
	X(UNSUPPORTED_MEDIA_TYPE, "UnsupportedMediaType", 415, \
		"The media type of the request is not supported.") \
	X(URI_TOO_LONG, "URITooLong", 414, \
		"The request URI is too long.") \
	X(USER_KEY_MUST_BE_SPECIFIED, "UserKeyMustBeSpecified", 400, \
		"The bucket POST must contain the specified field name. If it is specified, check the order of the fields.") \
	X(CONTENT_SHA256_MISMATCH, "XAmzContentSHA256Mismatch", 400, \
		"The provided 'x-amz-content-sha256' header does not match what was computed.")
/* clang-format on */
