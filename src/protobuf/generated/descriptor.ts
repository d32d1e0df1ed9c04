// Generated from proto/ by `npm run generate`. Do not edit.

export const descriptor = {
  "nested": {
    "api": {
      "nested": {
        "v1": {
          "nested": {
            "GetReleaseTrainPrognosisResponse": {
              "fields": {
                "envsPrognoses": {
                  "keyType": "string",
                  "type": "ReleaseTrainEnvPrognosis",
                  "id": 1,
                  "protoName": "envs_prognoses",
                  "comment": "By environment."
                },
                "target": {
                  "type": "string",
                  "id": 100,
                  "comment": "The environment or environment group that was asked about."
                },
                "team": {
                  "type": "string",
                  "id": 101,
                  "comment": "Only applications of this team were considered; absent when all were."
                },
                "fingerprint": {
                  "type": "string",
                  "id": 102,
                  "comment": "Identifies the content of this prognosis. A train with this value in `If-Match` runs only if its prognosis is still the same."
                },
                "commit": {
                  "type": "string",
                  "id": 103,
                  "comment": "The commit it was decided from; absent while the repository is empty."
                },
                "warnings": {
                  "rule": "repeated",
                  "type": "string",
                  "id": 104,
                  "comment": "What could not be taken into account, as sentences."
                },
                "validUntil": {
                  "type": "google.protobuf.Timestamp",
                  "id": 105,
                  "protoName": "valid_until",
                  "comment": "From this moment on, time alone may have changed the answer, because a lock behind it ends. Absent when time cannot."
                }
              },
              "comment": "Answers \"what would a release train do at this moment\"."
            },
            "ReleaseTrainEnvPrognosis": {
              "oneofs": {
                "outcome": {
                  "oneof": [
                    "skipCause",
                    "appsPrognoses"
                  ]
                }
              },
              "fields": {
                "skipCause": {
                  "type": "ReleaseTrainEnvSkipCause",
                  "id": 1,
                  "protoName": "skip_cause",
                  "comment": "The environment takes nothing."
                },
                "appsPrognoses": {
                  "type": "AppsPrognosesWrapper",
                  "id": 2,
                  "protoName": "apps_prognoses"
                },
                "envLocks": {
                  "keyType": "string",
                  "type": "Lock",
                  "id": 3,
                  "comment": "The locks behind ENV_IS_LOCKED, by id."
                },
                "upstream": {
                  "type": "string",
                  "id": 100,
                  "comment": "The environment that versions come from, or `latest`."
                },
                "reason": {
                  "type": "string",
                  "id": 101,
                  "comment": "Why the environment takes nothing, as a sentence."
                }
              },
              "nested": {
                "AppsPrognosesWrapper": {
                  "fields": {
                    "prognoses": {
                      "keyType": "string",
                      "type": "ReleaseTrainAppPrognosis",
                      "id": 1,
                      "comment": "By application."
                    }
                  }
                }
              }
            },
            "ReleaseTrainAppPrognosis": {
              "oneofs": {
                "outcome": {
                  "oneof": [
                    "skipCause",
                    "deployedVersion"
                  ]
                },
                "_fromVersion": {
                  "oneof": [
                    "fromVersion"
                  ]
                },
                "_queuedVersion": {
                  "oneof": [
                    "queuedVersion"
                  ]
                }
              },
              "fields": {
                "skipCause": {
                  "type": "ReleaseTrainAppSkipCause",
                  "id": 1,
                  "protoName": "skip_cause",
                  "comment": "The application stays."
                },
                "deployedVersion": {
                  "type": "ReleaseTrainPrognosisDeployedVersion",
                  "id": 2,
                  "protoName": "deployed_version",
                  "comment": "The version that travels."
                },
                "appLocks": {
                  "rule": "repeated",
                  "type": "Lock",
                  "id": 3,
                  "comment": "The locks behind APP_IS_LOCKED, in the order of their ids."
                },
                "teamLocks": {
                  "rule": "repeated",
                  "type": "Lock",
                  "id": 4,
                  "comment": "The locks behind TEAM_IS_LOCKED, in the order of their ids."
                },
                "fromVersion": {
                  "type": "uint64",
                  "id": 100,
                  "protoName": "from_version",
                  "options": {
                    "proto3_optional": true
                  },
                  "comment": "The version deployed before; absent when nothing was."
                },
                "team": {
                  "type": "string",
                  "id": 101,
                  "comment": "The application's team; absent when it has none."
                },
                "reason": {
                  "type": "string",
                  "id": 102,
                  "comment": "Why the application stays, as a sentence."
                },
                "queuedVersion": {
                  "type": "uint64",
                  "id": 103,
                  "protoName": "queued_version",
                  "options": {
                    "proto3_optional": true
                  },
                  "comment": "The version that a lock holds back: a train remembers it as the application's queued version."
                }
              }
            },
            "ReleaseTrainPrognosisDeployedVersion": {
              "fields": {
                "version": {
                  "type": "uint64",
                  "id": 1
                },
                "revision": {
                  "type": "uint64",
                  "id": 2,
                  "comment": "Always 0: Signalbox has no revisions."
                }
              }
            },
            "ReleaseTrainEnvSkipCause": {
              "values": {
                "ENV_HAS_NO_UPSTREAM": 0,
                "ENV_HAS_NO_UPSTREAM_LATEST_OR_UPSTREAM_ENV": 1,
                "ENV_HAS_BOTH_UPSTREAM_LATEST_AND_UPSTREAM_ENV": 2,
                "UPSTREAM_ENV_CONFIG_NOT_FOUND": 3,
                "ENV_IS_LOCKED": 4,
                "ENV_UNREADABLE": 100
              },
              "comments": {
                "ENV_UNREADABLE": "Its files, or those of its upstream, cannot be read."
              }
            },
            "ReleaseTrainAppSkipCause": {
              "values": {
                "APP_HAS_NO_VERSION_IN_UPSTREAM_ENV": 0,
                "APP_ALREADY_IN_UPSTREAM_VERSION": 1,
                "APP_IS_LOCKED": 2,
                "APP_DOES_NOT_EXIST_IN_ENV": 3,
                "APP_IS_LOCKED_BY_ENV": 4,
                "TEAM_IS_LOCKED": 5,
                "NO_TEAM_PERMISSION": 6,
                "APP_WITHOUT_TEAM": 7,
                "APP_UNREADABLE": 100
              },
              "comments": {
                "APP_IS_LOCKED_BY_ENV": "Never produced; part of Kuberpult's numbers.",
                "APP_WITHOUT_TEAM": "Never produced; part of Kuberpult's numbers.",
                "APP_UNREADABLE": "Its files, here or upstream, cannot be read."
              }
            },
            "ReleaseTrainResponse": {
              "fields": {
                "target": {
                  "type": "string",
                  "id": 1
                },
                "team": {
                  "type": "string",
                  "id": 2
                },
                "commit": {
                  "type": "string",
                  "id": 100,
                  "comment": "The commit that the train made; absent when it changed nothing."
                },
                "fingerprint": {
                  "type": "string",
                  "id": 101,
                  "comment": "The fingerprint of the prognosis that was run."
                },
                "environments": {
                  "keyType": "string",
                  "type": "ReleaseTrainEnvPrognosis",
                  "id": 102,
                  "comment": "What was deployed and what stayed, by environment."
                },
                "warnings": {
                  "rule": "repeated",
                  "type": "string",
                  "id": 103,
                  "comment": "What could not be taken into account, as sentences."
                }
              },
              "comment": "Answers a release train that ran."
            },
            "Lock": {
              "fields": {
                "message": {
                  "type": "string",
                  "id": 1
                },
                "lockId": {
                  "type": "string",
                  "id": 3,
                  "protoName": "lock_id"
                },
                "createdAt": {
                  "type": "google.protobuf.Timestamp",
                  "id": 4,
                  "protoName": "created_at"
                },
                "createdBy": {
                  "type": "Actor",
                  "id": 5,
                  "protoName": "created_by"
                },
                "ciLink": {
                  "type": "string",
                  "id": 6,
                  "protoName": "ci_link",
                  "comment": "Where the pipeline that made the lock can be looked at."
                },
                "suggestedLifetime": {
                  "type": "string",
                  "id": 7,
                  "protoName": "suggested_lifetime",
                  "comment": "How long its author meant it to stay, such as `2d`."
                },
                "expiresAt": {
                  "type": "google.protobuf.Timestamp",
                  "id": 100,
                  "protoName": "expires_at",
                  "comment": "From this moment on the lock no longer holds; absent for a lock without an end."
                }
              }
            },
            "Actor": {
              "fields": {
                "name": {
                  "type": "string",
                  "id": 1
                },
                "email": {
                  "type": "string",
                  "id": 2
                }
              }
            },
            "Release": {
              "fields": {
                "version": {
                  "type": "uint64",
                  "id": 1
                },
                "sourceCommitId": {
                  "type": "string",
                  "id": 2,
                  "protoName": "source_commit_id"
                },
                "sourceAuthor": {
                  "type": "string",
                  "id": 3,
                  "protoName": "source_author"
                },
                "sourceMessage": {
                  "type": "string",
                  "id": 4,
                  "protoName": "source_message"
                },
                "createdAt": {
                  "type": "google.protobuf.Timestamp",
                  "id": 5,
                  "protoName": "created_at"
                },
                "undeployVersion": {
                  "type": "bool",
                  "id": 6,
                  "protoName": "undeploy_version",
                  "comment": "Marks the application as about to be removed."
                },
                "prNumber": {
                  "type": "string",
                  "id": 7,
                  "protoName": "pr_number",
                  "comment": "Digits of the last `(#…)` in the source message."
                },
                "displayVersion": {
                  "type": "string",
                  "id": 8,
                  "protoName": "display_version"
                },
                "isMinor": {
                  "type": "bool",
                  "id": 9,
                  "protoName": "is_minor"
                },
                "isPrepublish": {
                  "type": "bool",
                  "id": 10,
                  "protoName": "is_prepublish",
                  "comment": "Announced, but without manifests yet."
                },
                "environments": {
                  "rule": "repeated",
                  "type": "string",
                  "id": 11,
                  "comment": "The environments that it has a manifest for."
                },
                "ciLink": {
                  "type": "string",
                  "id": 12,
                  "protoName": "ci_link"
                },
                "unreadable": {
                  "type": "string",
                  "id": 100,
                  "comment": "Why the release cannot be read, as a sentence."
                },
                "deployedIn": {
                  "rule": "repeated",
                  "type": "string",
                  "id": 101,
                  "protoName": "deployed_in",
                  "comment": "The environments that it is deployed in."
                }
              }
            }
          }
        }
      }
    },
    "google": {
      "nested": {
        "protobuf": {
          "nested": {
            "Timestamp": {
              "fields": {
                "seconds": {
                  "type": "int64",
                  "id": 1
                },
                "nanos": {
                  "type": "int32",
                  "id": 2
                }
              }
            }
          }
        }
      }
    },
    "signalbox": {
      "nested": {
        "v1": {
          "nested": {
            "ListEnvironmentGroupsResponse": {
              "fields": {
                "environmentGroups": {
                  "rule": "repeated",
                  "type": "EnvironmentGroup",
                  "id": 1,
                  "protoName": "environment_groups",
                  "comment": "Sorted by name."
                },
                "warnings": {
                  "rule": "repeated",
                  "type": "string",
                  "id": 2,
                  "comment": "What cannot be shown in its place, as sentences: environments whose group cannot be known, for example."
                },
                "commit": {
                  "type": "string",
                  "id": 3,
                  "comment": "The commit that this was read from; absent while the repository is empty."
                }
              }
            },
            "EnvironmentGroup": {
              "fields": {
                "name": {
                  "type": "string",
                  "id": 1
                },
                "environments": {
                  "rule": "repeated",
                  "type": "EnvironmentSummary",
                  "id": 2,
                  "comment": "Sorted by name."
                }
              }
            },
            "EnvironmentSummary": {
              "fields": {
                "name": {
                  "type": "string",
                  "id": 1
                },
                "upstream": {
                  "type": "Upstream",
                  "id": 2
                },
                "locks": {
                  "keyType": "string",
                  "type": "api.v1.Lock",
                  "id": 3,
                  "comment": "By id."
                },
                "warnings": {
                  "rule": "repeated",
                  "type": "string",
                  "id": 4,
                  "comment": "What makes a train to it impossible or surprising, as sentences."
                }
              }
            },
            "Upstream": {
              "fields": {
                "environment": {
                  "type": "string",
                  "id": 1,
                  "comment": "The environment whose versions it takes."
                },
                "latest": {
                  "type": "bool",
                  "id": 2,
                  "comment": "It takes the newest release of each application."
                }
              },
              "comment": "Where an environment's versions come from."
            },
            "Environment": {
              "fields": {
                "name": {
                  "type": "string",
                  "id": 1
                },
                "environmentGroup": {
                  "type": "string",
                  "id": 2,
                  "protoName": "environment_group",
                  "comment": "The name of its group: its own where it has none."
                },
                "upstream": {
                  "type": "Upstream",
                  "id": 3
                },
                "locks": {
                  "keyType": "string",
                  "type": "api.v1.Lock",
                  "id": 4,
                  "comment": "By id."
                },
                "teamLocks": {
                  "keyType": "string",
                  "type": "TeamLocks",
                  "id": 5,
                  "protoName": "team_locks",
                  "comment": "By team."
                },
                "applications": {
                  "rule": "repeated",
                  "type": "EnvironmentApplication",
                  "id": 6,
                  "comment": "Sorted by name."
                },
                "warnings": {
                  "rule": "repeated",
                  "type": "string",
                  "id": 7,
                  "comment": "What makes a train to it impossible or surprising, as sentences."
                },
                "commit": {
                  "type": "string",
                  "id": 8,
                  "comment": "The commit that this was read from."
                }
              }
            },
            "TeamLocks": {
              "fields": {
                "locks": {
                  "keyType": "string",
                  "type": "api.v1.Lock",
                  "id": 1,
                  "comment": "By id."
                }
              }
            },
            "EnvironmentApplication": {
              "oneofs": {
                "_version": {
                  "oneof": [
                    "version"
                  ]
                },
                "_queuedVersion": {
                  "oneof": [
                    "queuedVersion"
                  ]
                }
              },
              "fields": {
                "name": {
                  "type": "string",
                  "id": 1
                },
                "team": {
                  "type": "string",
                  "id": 2
                },
                "version": {
                  "type": "uint64",
                  "id": 3,
                  "options": {
                    "proto3_optional": true
                  },
                  "comment": "Absent when nothing is deployed."
                },
                "queuedVersion": {
                  "type": "uint64",
                  "id": 4,
                  "protoName": "queued_version",
                  "options": {
                    "proto3_optional": true
                  },
                  "comment": "The version that a lock held back."
                },
                "locks": {
                  "keyType": "string",
                  "type": "api.v1.Lock",
                  "id": 5,
                  "comment": "By id."
                },
                "unreadable": {
                  "rule": "repeated",
                  "type": "string",
                  "id": 6,
                  "comment": "Why some of this cannot be read, as sentences."
                }
              }
            },
            "ListApplicationsResponse": {
              "fields": {
                "applications": {
                  "rule": "repeated",
                  "type": "ApplicationSummary",
                  "id": 1,
                  "comment": "Sorted by name."
                },
                "commit": {
                  "type": "string",
                  "id": 2,
                  "comment": "The commit that this was read from; absent while the repository is empty."
                },
                "warnings": {
                  "rule": "repeated",
                  "type": "string",
                  "id": 3,
                  "comment": "What cannot be shown in its place, as sentences."
                }
              }
            },
            "ApplicationSummary": {
              "oneofs": {
                "_latestVersion": {
                  "oneof": [
                    "latestVersion"
                  ]
                }
              },
              "fields": {
                "name": {
                  "type": "string",
                  "id": 1
                },
                "team": {
                  "type": "string",
                  "id": 2
                },
                "latestVersion": {
                  "type": "uint64",
                  "id": 3,
                  "protoName": "latest_version",
                  "options": {
                    "proto3_optional": true
                  },
                  "comment": "The highest version that is not a pre-publish."
                },
                "deployments": {
                  "rule": "repeated",
                  "type": "Deployment",
                  "id": 4,
                  "comment": "Sorted by environment."
                },
                "unreadable": {
                  "rule": "repeated",
                  "type": "string",
                  "id": 5,
                  "comment": "Why some of this cannot be read, as sentences."
                }
              }
            },
            "Deployment": {
              "fields": {
                "environment": {
                  "type": "string",
                  "id": 1
                },
                "version": {
                  "type": "uint64",
                  "id": 2
                }
              }
            },
            "Application": {
              "fields": {
                "name": {
                  "type": "string",
                  "id": 1
                },
                "team": {
                  "type": "string",
                  "id": 2
                },
                "sourceRepoUrl": {
                  "type": "string",
                  "id": 3,
                  "protoName": "source_repo_url"
                },
                "releases": {
                  "rule": "repeated",
                  "type": "api.v1.Release",
                  "id": 4,
                  "comment": "Newest first."
                },
                "deployments": {
                  "rule": "repeated",
                  "type": "Deployment",
                  "id": 5,
                  "comment": "Sorted by environment."
                },
                "unreadable": {
                  "rule": "repeated",
                  "type": "string",
                  "id": 6,
                  "comment": "Why some of this cannot be read, as sentences."
                },
                "commit": {
                  "type": "string",
                  "id": 7,
                  "comment": "The commit that this was read from."
                }
              }
            },
            "ListLocksResponse": {
              "fields": {
                "locks": {
                  "rule": "repeated",
                  "type": "ListedLock",
                  "id": 1,
                  "comment": "Sorted by environment, kind (environment, application, team), application or team, and id."
                },
                "warnings": {
                  "rule": "repeated",
                  "type": "string",
                  "id": 2,
                  "comment": "What cannot be shown in its place, as sentences: locks that cannot be read, for example."
                },
                "commit": {
                  "type": "string",
                  "id": 3,
                  "comment": "The commit that this was read from; absent while the repository is empty."
                }
              }
            },
            "ListedLock": {
              "fields": {
                "kind": {
                  "type": "string",
                  "id": 1,
                  "comment": "What is locked: `environment`, `application` or `team`. A group's lock is one of each of its environments."
                },
                "environment": {
                  "type": "string",
                  "id": 2
                },
                "application": {
                  "type": "string",
                  "id": 3,
                  "comment": "Only where the kind is `application`."
                },
                "team": {
                  "type": "string",
                  "id": 4,
                  "comment": "Only where the kind is `team`."
                },
                "lock": {
                  "type": "api.v1.Lock",
                  "id": 5
                },
                "ended": {
                  "type": "bool",
                  "id": 6,
                  "comment": "It no longer holds. Its files go with the next commit to its environment."
                }
              }
            },
            "Health": {
              "fields": {
                "status": {
                  "type": "string",
                  "id": 1,
                  "comment": "`ok`, `degraded` (reads are served; see the reasons) or `unavailable`."
                },
                "reasons": {
                  "rule": "repeated",
                  "type": "string",
                  "id": 2
                },
                "commit": {
                  "type": "string",
                  "id": 3,
                  "comment": "The commit that reads are served from; absent while the repository is empty."
                }
              },
              "comment": "What `/healthz` and `/readyz` answer."
            },
            "Problem": {
              "fields": {
                "type": {
                  "type": "string",
                  "id": 1,
                  "comment": "`about:blank`: the code says which problem it is."
                },
                "title": {
                  "type": "string",
                  "id": 2,
                  "comment": "The status in words."
                },
                "status": {
                  "type": "int32",
                  "id": 3
                },
                "detail": {
                  "type": "string",
                  "id": 4,
                  "comment": "What is wrong and what to do, for people."
                },
                "code": {
                  "type": "string",
                  "id": 5,
                  "comment": "What is wrong, for programs: it never changes its meaning."
                },
                "requestId": {
                  "type": "string",
                  "id": 6,
                  "protoName": "request_id",
                  "comment": "Stands in the log and in the commits of this request."
                },
                "errors": {
                  "rule": "repeated",
                  "type": "InvalidPart",
                  "id": 7,
                  "comment": "Every invalid part of the request."
                },
                "fingerprint": {
                  "type": "string",
                  "id": 8,
                  "comment": "With code PROGNOSIS_CHANGED: the fingerprint of the prognosis at this moment."
                },
                "prognosis": {
                  "type": "api.v1.GetReleaseTrainPrognosisResponse",
                  "id": 9,
                  "comment": "With code PROGNOSIS_CHANGED: the prognosis at this moment."
                }
              },
              "comment": "RFC 9457: the body of every answer that is an error, as `application/problem+json`."
            },
            "InvalidPart": {
              "fields": {
                "path": {
                  "type": "string",
                  "id": 1,
                  "comment": "Where: `query.team`, `body.ciLink`, ..."
                },
                "message": {
                  "type": "string",
                  "id": 2
                }
              }
            }
          }
        }
      }
    }
  }
}
