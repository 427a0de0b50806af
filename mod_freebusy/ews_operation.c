/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "ews_operation.h"

#include <apr_lib.h>
#include <string.h>

static const struct {
    const char *name;
    ews_operation_e operation;
} offered[] = {
    {"GetUserAvailabilityRequest", EWS_GET_USER_AVAILABILITY},
    {"GetUserOofSettingsRequest", EWS_GET_USER_OOF_SETTINGS},
    {"SetUserOofSettingsRequest", EWS_SET_USER_OOF_SETTINGS},
    {"GetServerTimeZones", EWS_GET_SERVER_TIME_ZONES},
    /* exchangelib learns the version of the server from the fault. */
    {"ConvertId", EWS_FAULT},
    {"GetFolder", EWS_FAULT},
    {"ResolveNames", EWS_FAULT},
};

/* The other operations of [MS-OXWSCDATA] and its companions. */
static const char *const others[] = {
    "AddDelegate",
    "AddDistributionGroupToImList",
    "AddImContactToGroup",
    "AddImGroup",
    "AddNewImContactToGroup",
    "AddNewTelUriContactToGroup",
    "ApplyConversationAction",
    "ArchiveItem",
    "CopyFolder",
    "CopyItem",
    "CreateAttachment",
    "CreateFolder",
    "CreateFolderPath",
    "CreateItem",
    "CreateManagedFolder",
    "CreateUnifiedGroup",
    "CreateUserConfiguration",
    "DeleteAttachment",
    "DeleteFolder",
    "DeleteItem",
    "DeleteUserConfiguration",
    "DisableApp",
    "DisconnectPhoneCall",
    "EmptyFolder",
    "ExpandDL",
    "ExportItems",
    "FindAvailableMeetingTimes",
    "FindConversation",
    "FindFolder",
    "FindItem",
    "FindMailboxStatisticsByKeywords",
    "FindMeetingTimes",
    "FindMessageTrackingReport",
    "FindPeople",
    "GetAppManifests",
    "GetAppMarketplaceUrl",
    "GetAttachment",
    "GetClientAccessToken",
    "GetClientExtension",
    "GetClientIntent",
    "GetConversationItems",
    "GetDelegate",
    "GetDiscoverySearchConfiguration",
    "GetEvents",
    "GetHoldOnMailboxes",
    "GetImItemList",
    "GetImItems",
    "GetInboxRules",
    "GetItem",
    "GetMailTips",
    "GetMessageTrackingReport",
    "GetNonIndexableItemDetails",
    "GetNonIndexableItemStatistics",
    "GetPasswordExpirationDate",
    "GetPersona",
    "GetPhoneCallInformation",
    "GetReminders",
    "GetRoomLists",
    "GetRooms",
    "GetSearchableMailboxes",
    "GetServiceConfiguration",
    "GetSharingFolder",
    "GetSharingMetadata",
    "GetStreamingEvents",
    "GetUMCallDataRecords",
    "GetUMCallSummary",
    "GetUMPin",
    "GetUMPrompt",
    "GetUMPromptNames",
    "GetUMProperties",
    "GetUMSubscriberCallAnsweringData",
    "GetUnifiedGroupsSettings",
    "GetUserConfiguration",
    "GetUserPhoto",
    "GetUserRetentionPolicyTags",
    "GetUserUnifiedGroups",
    "InitUMMailbox",
    "InstallApp",
    "IsUMEnabled",
    "MarkAllItemsAsRead",
    "MarkAsJunk",
    "MoveFolder",
    "MoveItem",
    "PerformReminderAction",
    "PlayOnPhone",
    "PlayOnPhoneGreeting",
    "PostModernGroupItem",
    "RefreshSharingFolder",
    "RemoveContactFromImList",
    "RemoveDelegate",
    "RemoveDistributionGroupFromImList",
    "RemoveImContactFromGroup",
    "RemoveImGroup",
    "ResetUMMailbox",
    "SaveUMPin",
    "SearchMailboxes",
    "SendItem",
    "SendNotification",
    "SetClientExtension",
    "SetHoldOnMailboxes",
    "SetImGroup",
    "SetImListMigrationCompleted",
    "SetTeamMailbox",
    "SetUserPhoto",
    "StartFindInGALSpeechRecognition",
    "CompleteFindInGALSpeechRecognition",
    "SubmitMessageTrackingReport",
    "Subscribe",
    "SyncFolderHierarchy",
    "SyncFolderItems",
    "UninstallApp",
    "UnpinTeamMailbox",
    "Unsubscribe",
    "UpdateDelegate",
    "UpdateFolder",
    "UpdateGroupMailbox",
    "UpdateInboxRules",
    "UpdateItem",
    "UpdateItemInRecoverableItems",
    "UpdateUserConfiguration",
    "UploadItems",
    "ValidateUMPin",
};

/* Versions that were named after products; later ones bear a date. */
static const char *const versions[] = {
    "Exchange2007",     "Exchange2007_SP1", "Exchange2009", "Exchange2010",
    "Exchange2010_SP1", "Exchange2010_SP2", "Exchange2012", "Exchange2013",
    "Exchange2013_SP1", "Exchange2015",     "Exchange2016", "Exchange2019",
};

ews_operation_e ews_operation_find(const char *name)
{
    unsigned i;

    for (i = 0; i < sizeof(offered) / sizeof(offered[0]); i++) {
        if (strcmp(name, offered[i].name) == 0) {
            return offered[i].operation;
        }
    }
    for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (strcmp(name, others[i]) == 0) {
            return EWS_NOT_OFFERED;
        }
    }
    return EWS_UNKNOWN;
}

/* V2017_07_11 */
static int is_dated(const char *name)
{
    const char *p, *form = "V####_##_##";

    for (p = name; *p && *form; p++, form++) {
        if (*form == '#' ? !apr_isdigit(*p) : *p != *form) {
            return 0;
        }
    }
    return !*p && !*form;
}

int ews_operation_is_version(const char *name)
{
    unsigned i;

    for (i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
        if (strcmp(name, versions[i]) == 0) {
            return 1;
        }
    }
    return is_dated(name);
}
